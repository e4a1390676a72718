/** The nodes of a large cluster in one list are some MiB; the agent's unit has 256. */
const mostBytes = 32 * 2 ** 20
/** The deepest objects of the API have some dozens. */
const mostLevels = 100
/** An empty object of two bytes takes dozens in memory. */
const mostObjects = 2_000_000

/** A body as text; rejects when an API server would not send so much. */
export async function readBody(response: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    bytes += chunk.length
    if (bytes > mostBytes) throw new Error(`the answer has more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** JSON of at most so many levels and objects: looked at before it is parsed. Throws with the reason. */
export function parseBounded(text: string): unknown {
  requireShallow(text)
  return JSON.parse(text) as unknown
}

const [quote, backslash, openObject, openList, closeObject, closeList] = ['"', '\\', '{', '[', '}', ']'].map((one) =>
  one.charCodeAt(0),
)

function requireShallow(text: string): void {
  let [level, objects, isText] = [0, 0, false]
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (isText) {
      if (character === backslash) at++
      else if (character === quote) isText = false
    } else if (character === quote) isText = true
    else if (character === openObject || character === openList) {
      if (++level > mostLevels) throw new Error(`JSON of more than ${mostLevels} levels`)
      if (++objects > mostObjects) throw new Error(`JSON of more than ${mostObjects} objects`)
    } else if (character === closeObject || character === closeList) level--
  }
}
