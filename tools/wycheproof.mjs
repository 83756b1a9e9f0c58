// Runs vectors of Project Wycheproof against @countersign/protocol: the JOSE suites against its JWS rules, those of
// signature algorithms against its keys.
//   npx --no-install node -C @countersign/source tools/wycheproof.mjs DIR     DIR holds a checkout of github.com/C2SP/wycheproof
// Prints one line a suite, and each vector we judge otherwise with the reason it was adjudicated. Vectors under symmetric
// keys are not applicable: all of them must be refused, the valid ones too. Exits with 1 on any other difference.
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { importKeys } from "../packages/protocol/src/jwks.ts";
import { decodeJws, verifyJws } from "../packages/protocol/src/jws.ts";

const empty = "an empty payload is a detached one or none, and never a JWT's";
const mislabelled = "the vector's key and token name different algorithms, yet it is called valid";

const smallExponent = "the key has the exponent 3, which FIPS 186-5 section A.1.1 does not allow";

/** Vectors judged otherwise, and why that is right. */
const adjudications = {
  json_web_signature: new Map([
    [259, empty],
    [264, empty],
    [268, empty],
    [272, empty],
    [320, empty],
    [325, empty],
    [346, mislabelled],
    [347, mislabelled],
    [350, mislabelled],
    [351, mislabelled],
  ]),
  rsa_signature_2048_sha256: new Map([
    [258, smallExponent],
    [259, smallExponent],
  ]),
};

async function accepts(jws, jwks) {
  try {
    await verifyJws(decodeJws(jws), importKeys(jwks));
    return true;
  } catch (error) {
    if (error.name !== "TokenRefused") throw error;
    return false;
  }
}

const algorithmSuites = {
  ed25519: "EdDSA",
  ecdsa_secp256r1_sha256_p1363: "ES256",
  ecdsa_secp384r1_sha384_p1363: "ES384",
  ecdsa_secp521r1_sha512_p1363: "ES512",
  rsa_signature_2048_sha256: "RS256",
  rsa_pss_2048_sha256_mgf1_32: "PS256",
  mldsa_65_verify: "ML-DSA-65",
};

function groupsOf(directory, suite) {
  return JSON.parse(readFileSync(join(directory, "testvectors_v1", `${suite}_test.json`), "utf8")).testGroups;
}

/** The key of a group as our import takes it, or `undefined` when the import refuses it. */
function importGroup(group, alg) {
  try {
    const key = createPublicKey({ key: Buffer.from(group.publicKeyDer, "hex"), format: "der", type: "spki" });
    return importKeys({ keys: [{ ...key.export({ format: "jwk" }), alg }] }).keys[0];
  } catch (error) {
    // The runtime could not read the DER: nothing for us to judge.
    if (error.code?.startsWith("ERR_OSSL") || error.code === "ERR_INVALID_ARG_TYPE") return undefined;
    throw error;
  }
}

/** What came of a suite, printed as it goes. */
class Tally {
  counts = { passed: 0, adjudicated: 0, notApplicable: 0, failed: 0 };

  constructor(suite) {
    this.suite = suite;
  }

  add({ tcId, comment, result }, isAsExpected, isApplicable) {
    const reason = adjudications[this.suite]?.get(tcId);
    if (isAsExpected) {
      this.counts[isApplicable ? "passed" : "notApplicable"] += 1;
      return;
    }
    this.counts[reason === undefined ? "failed" : "adjudicated"] += 1;
    console.log(`  ${this.suite} ${tcId} ${comment} (${result}): ${reason ?? "FAILED"}`);
  }

  close() {
    const { passed, adjudicated, notApplicable, failed } = this.counts;
    const total = passed + adjudicated + failed;
    console.log(`${this.suite}: ${passed}/${total} (adjudicated ${adjudicated}), not applicable ${notApplicable}`);
    return failed;
  }
}

async function runAlgorithmSuite(directory, suite, alg) {
  const tally = new Tally(suite);
  for (const group of groupsOf(directory, suite)) {
    const key = importGroup(group, alg);
    for (const vector of group.tests) {
      const { msg, sig, ctx = "", result } = vector;
      const isValid = (await key?.verify(Buffer.from(msg, "hex"), Buffer.from(sig, "hex"))) ?? false;
      // JOSE uses no context string (RFC 9964 section 5); "acceptable" vectors may go either way.
      const isApplicable = ctx === "" && result !== "acceptable";
      tally.add(vector, !isApplicable || isValid === (result === "valid"), isApplicable);
    }
  }
  return tally.close();
}

async function runJoseSuite(directory, suite) {
  const tally = new Tally(suite);
  for (const group of groupsOf(directory, suite)) {
    const key = group.public ?? group.private;
    const jwks = key.keys === undefined ? { keys: [key] } : key;
    const isApplicable = jwks.keys.some(({ kty }) => kty !== "oct");
    for (const vector of group.tests) {
      const isAccepted = await accepts(vector.jws, jwks);
      tally.add(vector, isAccepted === (isApplicable && vector.result === "valid"), isApplicable);
    }
  }
  return tally.close();
}

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  console.error("usage: npx --no-install node -C @countersign/source tools/wycheproof.mjs DIR");
  process.exit(2);
}
let failed = 0;
for (const suite of ["json_web_signature", "json_web_key"]) failed += await runJoseSuite(directory, suite);
for (const [suite, alg] of Object.entries(algorithmSuites)) failed += await runAlgorithmSuite(directory, suite, alg);
process.exitCode = failed === 0 ? 0 : 1;
