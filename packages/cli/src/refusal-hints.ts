/** The form that was sent to an OAuth endpoint. Members that are undefined were left out. */
export type Form = Readonly<Record<string, string | undefined>>;

/** What a refusal means to the person who typed the command. */
export interface Explanation {
  readonly message: string;
  readonly hints: readonly string[];
}

interface Row {
  readonly code: string;
  readonly sent: Form;
  readonly explain: (form: Form) => Explanation;
}

const rows: readonly Row[] = [
  {
    code: "invalid_client",
    sent: { client_id: "loopback" },
    explain: () => ({
      message: "the authority refuses the client loopback",
      hints: [
        "it works on the authority's own machine alone, not through a proxy, and not with server.loopback_privileges off",
        "elsewhere set COUNTERSIGN_TOKEN, or COUNTERSIGN_CLIENT_ID and COUNTERSIGN_CLIENT_SECRET for token get",
      ],
    }),
  },
  {
    code: "invalid_grant",
    sent: { grant_type: "password" },
    explain: ({ username }) => ({
      message: `wrong name or password: ${username}`,
      hints: ["if they are right, the account is disabled, or delayed after wrong passwords: the authority's log says"],
    }),
  },
];

/**
 * What a refusal means, as far as that follows from what was sent: the authority itself tells no stranger which clients
 * and users there are.
 */
export function explainRefusal(code: string, form: Form): Explanation | undefined {
  const row = rows.find(
    (one) => one.code === code && Object.entries(one.sent).every(([name, is]) => form[name] === is),
  );
  return row?.explain(form);
}
