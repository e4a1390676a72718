import { z } from 'zod'

/** Of every document; it rises when a field is removed or means something else. */
const apiVersion = 'quorate/v1'

/** One kind of output: what `-o json` prints, REST serves and docs/schemas/ publishes. */
export interface Document<Shape extends z.ZodRawShape = z.ZodRawShape> {
  /** `plan`, `run`: the value of the field `type`, and the name of its schema. */
  readonly type: string
  /** What it is and which command prints it. */
  readonly says: string
  readonly fields: z.ZodObject<Shape>
}

export const document = <Shape extends z.ZodRawShape>(type: string, says: string, shape: Shape): Document<Shape> => ({
  type,
  says,
  fields: z.object(shape),
})

/** A value as its document has it: with type and version, times as RFC 3339. Fields that the document does not have are left out. */
export const written = <Shape extends z.ZodRawShape>(
  { type, fields }: Document<Shape>,
  value: z.output<z.ZodObject<Shape>>,
): Record<string, unknown> => ({ type, apiVersion, ...z.encode(fields, value) })

/** The same as one line of JSON. */
export const line = <Shape extends z.ZodRawShape>(
  document: Document<Shape>,
  value: z.output<z.ZodObject<Shape>>,
): string => `${harmless(JSON.stringify(written(document, value)))}\n`

/** What JSON.stringify leaves as it is and a terminal obeys or hides: C1 controls, bidirectional and zero-width marks. The value stays the same. */
const unseen = /[\u007f-\u009f\u2028\u2029]|\p{Cf}/gu

/** JSON whose text may be shown: such characters, which are in strings only, as escapes. */
const harmless = (json: string): string =>
  json.replaceAll(unseen, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  )

/** A document as it was written, without type and version, as the value that it is of; throws where it is another one. */
export const read = <Shape extends z.ZodRawShape>(
  { fields }: Document<Shape>,
  value: unknown,
): z.output<z.ZodObject<Shape>> => z.decode(fields, value as z.input<z.ZodObject<Shape>>)

/** A part of a document as it is written. */
export const partOf = <S extends z.ZodType>(schema: S, value: z.output<S>): z.input<S> => z.encode(schema, value)

/** JSON Schema (2020-12) of a document as it is written. */
export function jsonSchema({ type, says, fields }: Document): Record<string, unknown> {
  const whole = z
    .object({ type: z.literal(type), apiVersion: z.literal(apiVersion) })
    .extend(fields.shape)
    .describe(says)
  return schemaOf(whole)
}

/** JSON Schema of a part of a document as it is written. */
export function schemaOf(schema: z.ZodType): Record<string, unknown> {
  return z.toJSONSchema(schema, {
    // What is written is the input of the codecs.
    io: 'input',
    override({ zodSchema, jsonSchema: made }) {
      delete made.readOnly // meaningful in TypeScript only
      if (made.maximum === Number.MAX_SAFE_INTEGER) delete made.maximum
      if (made.format === 'date-time') delete made.pattern // the format says it
      if (zodSchema instanceof z.ZodObject) made.additionalProperties = false
    },
  }) as Record<string, unknown>
}
