// What one decision costs as tables and as Datalog, on policies of so many rules: node -C @countersign/source bench/policy/run.ts
import { compilePolicy, decide, readPolicy } from "@countersign/authority";
import { Authorizer, Datalog, datalog, fact } from "@countersign/biscuit";

const microseconds = (run: () => unknown, rounds: number): number => {
  const start = process.hrtime.bigint();
  for (let round = 0; round < rounds; round++) run();
  return Number(process.hrtime.bigint() - start) / 1000 / rounds;
};

const rows: object[] = [];
for (const size of [10, 1_000, 100_000]) {
  const names = Array.from({ length: size }, (_, at) => ({ subject: `urn:s:${at}`, resource: `r${at % 1000}` }));
  const rules = names.map(({ subject, resource }) => ({
    subjects: [subject],
    resources: [resource],
    operations: ["read"],
  }));
  const { subject, resource } = names[size >> 1] ?? { subject: "", resource: "" };
  const document = readPolicy({ format: "countersign-policy/1", version: 1, rules });
  const compile = microseconds(() => compilePolicy(document), 1);
  const policy = compilePolicy(document);
  const asked = { kind: "authorization", subject, resource, operation: "read" } as const;
  if (!decide(policy, asked).allowed) throw new Error("The tables refuse it");
  microseconds(() => decide(policy, asked), 5_000);
  const tables = microseconds(() => decide(policy, asked), 50_000);

  const facts = names.map((name) => fact("right", name.subject, name.resource, "read"));
  const base = datalog`allow if subject($s), resource($r), operation($o), right($s, $r, $o);`;
  const code = new Datalog({ ...base.content, facts });
  const limits = { fuel: 1_000_000_000, maxFacts: 1_000_000 };
  const datalogCompile = microseconds(() => new Authorizer(code, { limits }), 1);
  const authorizer = new Authorizer(code, { limits });
  const request = { facts: [fact("subject", subject), fact("resource", resource), fact("operation", "read")] };
  const ask = () => authorizer.evaluateWithoutToken(request).decide().allowed;
  if (!ask()) throw new Error("Datalog refuses it");
  microseconds(ask, 2);
  const engine = microseconds(ask, size > 10_000 ? 5 : 300);
  // By default an evaluation has 30,000 steps of fuel and stops at 1,000 facts.
  const isWithinDefaults = new Authorizer(code).evaluateWithoutToken(request).decide().allowed;
  rows.push({
    rules: size,
    "tables: compile ms": Math.round(compile / 100) / 10,
    "tables: decide µs": Math.round(tables * 100) / 100,
    "datalog: compile ms": Math.round(datalogCompile / 100) / 10,
    "datalog: decide µs": Math.round(engine * 100) / 100,
    "within default limits": isWithinDefaults,
  });
}
console.table(rows);
