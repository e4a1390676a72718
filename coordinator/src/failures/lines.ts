/** More than any line of kubeadm or etcd; what is beyond it is let go, so that a file without line breaks takes no memory. */
const longestLine = 16_384

/** Lines of a stream of bytes, each cut at `longest` characters. Whatever the bytes are, and however they come in pieces. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, longest = longestLine): AsyncIterable<string> {
  const decoder = new TextDecoder()
  let line = ''
  let begun = false
  const keep = (text: string): void => {
    line += text.slice(0, longest - line.length)
    begun ||= text !== ''
  }
  const end = (): string => {
    const whole = line.replace(/\r$/, '')
    line = ''
    begun = false
    return whole
  }
  for await (const chunk of chunks) {
    const [rest = '', ...more] = decoder.decode(chunk, { stream: true }).split('\n')
    keep(rest)
    for (const text of more) {
      yield end()
      keep(text)
    }
  }
  keep(decoder.decode())
  if (begun) yield end()
}
