// Verify tokens with aws-jwt-verify: node differential.mjs <directory with node_modules> <file of JSON lines>
// The file's first line is {pool, client, jwks, now}; each other line is a token. One result per token, in order.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [directory, file] = process.argv.slice(2);
const require = createRequire(join(directory, "differential.cjs"));
const { CognitoJwtVerifier } = require("aws-jwt-verify");

const [{ pool, client, jwks, now }, ...tokens] = readFileSync(file, "utf8")
  .split("\n")
  .filter(Boolean)
  .map((line) => JSON.parse(line));

Date.now = () => now * 1000;

const verifier = CognitoJwtVerifier.create({ userPoolId: pool, clientId: client, tokenUse: "access" });
verifier.cacheJwks(jwks);

function verify(token) {
  try {
    const { sub, exp, iss, client_id } = verifier.verifySync(token);
    return { ok: true, sub, exp, iss, client_id };
  } catch (error) {
    return { ok: false, error: error.constructor.name };
  }
}

process.stdout.write(tokens.map((token) => JSON.stringify(verify(token))).join("\n"));
