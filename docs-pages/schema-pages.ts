import { clusterFileJsonSchema } from '../coordinator/src/config/cluster-file-schema.js'
import { documents } from '../coordinator/src/documents/all.js'
import { type Document, jsonSchema } from '../coordinator/src/documents/document.js'
import { reportDocument } from '../coordinator/src/report/schema.js'

const asText = (schema: unknown): string => `${JSON.stringify(schema, null, 2)}\n`
const published: readonly Document[] = [...documents, reportDocument]

/** docs/schemas/: the JSON schema of each document that `-o json` prints, and of the cluster file. */
export const schemaPages = (): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(published.map((one) => [`schemas/${one.type}.schema.json`, asText(jsonSchema(one))])),
  'schemas/cluster-file.schema.json': asText(clusterFileJsonSchema()),
  'schemas/README.md': schemasPage(),
})

const schemasPage = (): string => `# Schemas

JSON schemas (2020-12) of what Quorate prints with \`-o json\` and serves by REST, and of the cluster file. Each document has a \`type\` and an
\`apiVersion\`; times are RFC 3339 in UTC. Commands that follow a run print one document a line.

Generated from the code; do not edit.

| type | what it is |
|---|---|
${published.map(({ type, says }) => `| [\`${type}\`](${type}.schema.json) | ${says} |`).join('\n')}
| [cluster file](cluster-file.schema.json) | [\`cluster.yaml\`](../cluster-file.md), for editors |
`
