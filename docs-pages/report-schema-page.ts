import { reportJsonSchema } from '../coordinator/src/report/schema.js'

/** Text of docs/report.schema.json: the shape of `quorate report RUN -o json`. */
export const reportSchemaPage = (): string => `${JSON.stringify(reportJsonSchema(), null, 2)}\n`
