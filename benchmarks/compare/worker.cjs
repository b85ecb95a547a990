// Process of aws-jwt-verify, with the same orders and answers as worker.py.
"use strict";
const { createInterface } = require("node:readline");
const { CognitoJwtVerifier } = require("aws-jwt-verify");
const { SimpleFetcher } = require("aws-jwt-verify/https");
const { SimpleJwksCache } = require("aws-jwt-verify/jwk");

// The address of a Cognito pool's keys is fixed: the library's own fetcher gets another one.
function make({ pool_id, client_id, address }) {
  const own = new SimpleFetcher();
  const fetcher = { fetch: (_, ...rest) => own.fetch(address, ...rest) };
  return CognitoJwtVerifier.create(
    { userPoolId: pool_id, clientId: client_id, tokenUse: "access" },
    { jwksCache: new SimpleJwksCache({ fetcher }) },
  );
}

async function answer(verifier, token) {
  const begin = process.hrtime.bigint();
  let text = "accepts";
  try {
    await verifier.verify(token);
  } catch (error) {
    text = `\`${error.constructor.name}\``;
  }
  return [text, Number(process.hrtime.bigint() - begin) / 1e9];
}

async function main() {
  let verifier;
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    if (!Array.isArray(order)) {
      verifier = make(order);
      continue;
    }
    const answers = [];
    for (const token of order) answers.push(await answer(verifier, token));
    process.stdout.write(JSON.stringify(answers) + "\n");
  }
}

main();
