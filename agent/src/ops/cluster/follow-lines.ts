/** Lines from a callback as a generator; the result of the work is the generator's result. */
export async function* followLines<T>(work: (onLine: (line: string) => void) => Promise<T>): AsyncGenerator<string, T> {
  const waiting: string[] = []
  let wake = (): void => {}
  let ended = false
  const done = work((line) => {
    waiting.push(line)
    wake()
  }).finally(() => {
    ended = true
    wake()
  })
  // Awaited below; until then a rejection must not count as unhandled.
  done.catch(() => {})
  for (;;) {
    for (let line = waiting.shift(); line !== undefined; line = waiting.shift()) yield line
    if (ended) return await done
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
}
