import { catalogue, exitCode } from '../shared/src/errors.js'

/** Text of docs/errors.md: every error that a person can meet. */
export function errorsPage(): string {
  const rows = Object.entries(catalogue).map(
    ([code, { status, exit, remedy }]) =>
      `| <a id="${code}"></a>\`${code}\` | ${exitCode[exit]} | ${status} | ${remedy} |`,
  )
  return `# Errors

Every error names what happened, where, why, and what to do next. The exit code says what kind of trouble it is: 1 a bug in Quorate, 2 wrong usage or
input, 3 blocked and nothing was changed, 4 a step failed and the cluster works, 5 the cluster needs manual action now, 6 another run
holds this cluster, 7 not highly available, 130 interrupted at a safe place,
or the output was closed early (\`| head\`): a run continues then, and \`quorate status\` shows how it ended.

Generated from the code; do not edit.

| code | exit code | gRPC status | what to do |
|---|---|---|---|
${rows.join('\n')}
`
}
