/** What a colleague types; each with the exit codes that are an answer while a run is on its way. */
const looks = (clusterFile: string): readonly (readonly [readonly string[], readonly number[]])[] => [
  [
    ['plan', '-f', clusterFile],
    [0, 3],
  ],
  [
    ['verify', '-f', clusterFile],
    [0, 7],
  ],
  [['nodes'], [0]],
  [
    ['backends', '-f', clusterFile],
    [0, 7],
  ],
  [['status'], [0]],
]

interface Looking {
  readonly clusterFile: string
  quorate(
    args: readonly string[],
  ): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>
}

/** A test, or who counts failures. */
interface Failing {
  fail(what: string, more: { stdout: string; stderr: string }): unknown
}

/** One look after the other until what runs has ended, each of them at least once; how many. */
export async function lookBeside(t: Failing, looking: Looking, run: Promise<unknown>): Promise<number> {
  let [over, times] = [false, 0]
  void run.finally(() => {
    over = true
  })
  for (const all = looks(looking.clusterFile); !over || times < all.length; times += 1) {
    const [args, codes] = all[times % all.length] as (typeof all)[number]
    const { exitCode, stdout, stderr } = await looking.quorate(args)
    if (!codes.includes(exitCode)) t.fail(`${args.join(' ')} ended with ${exitCode}`, { stdout, stderr })
  }
  return times
}
