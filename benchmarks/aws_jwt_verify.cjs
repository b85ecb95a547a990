// Read cases from stdin. Write the answers of aws-jwt-verify, and its times and those of crypto.verify.
"use strict";
const crypto = require("node:crypto");
const { readFileSync } = require("node:fs");

let CognitoJwtVerifier;
try {
  ({ CognitoJwtVerifier } = require("aws-jwt-verify"));
} catch {
  process.exit(3);
}

const order = JSON.parse(readFileSync(0, "utf8"));
const verifier = CognitoJwtVerifier.create({
  userPoolId: order.pool,
  tokenUse: "access",
  clientId: order.client,
});
verifier.cacheJwks(order.jwks);

const keys = Object.fromEntries(
  order.jwks.keys.map((jwk) => [jwk.kid, crypto.createPublicKey({ key: jwk, format: "jwk" })]),
);
const signed = order.good.map((token) => {
  const [header, payload, signature] = token.split(".");
  const { kid } = JSON.parse(Buffer.from(header, "base64url"));
  return [keys[kid], Buffer.from(`${header}.${payload}`), Buffer.from(signature, "base64url")];
});

function answer(token) {
  try {
    verifier.verifySync(token);
    return "accepts";
  } catch (error) {
    return `refuses: \`${error.constructor.name}\``;
  }
}

function rawVerify([key, message, signature]) {
  if (!crypto.verify("RSA-SHA256", message, key, signature)) throw new Error("bad signature");
}

function burst(call, inputs) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < order.calls; i += 1) call(inputs[i % inputs.length]);
  return Number(process.hrtime.bigint() - start) / order.calls;
}

const verify = (token) => verifier.verifySync(token);
const answers = order.cases.map(answer);
for (let i = 0; i < 10; i += 1) {
  burst(verify, order.good);
  burst(rawVerify, signed);
}
const pairs = [];
for (let i = 0; i < order.rounds; i += 1) {
  pairs.push([burst(verify, order.good), burst(rawVerify, signed)]);
}
process.stdout.write(JSON.stringify({ answers, pairs }));
