import type { Test } from 'tap'

const mark = 'QUORATE_OWN_NETWORK'
/** No root is needed, and all of it is gone with its last process. */
const unshare = ['--user', '--map-root-user', '--net', '--', 'sh', '-c']
const loopback = 'ip link set lo up && seq -f "addr add fd00:13::%g/64 dev lo nodad" 1 160 | ip -batch - && exec "$@"'

interface Trial {
  readonly scenario: string
  readonly version: string
}

/**
 * Does `work` in a network of its own, in which fd00:13::1 to fd00:13::160 are on loopback, as 127.0.0.0/8 is anywhere: this very file is run there
 * once more, for this trial alone.
 */
export async function inOwnNetwork(t: Test, { scenario, version }: Trial, work: () => Promise<void>): Promise<void> {
  if (process.env[mark] !== undefined) return work()
  const again = [process.execPath, ...process.execArgv, process.argv[1] ?? '']
  const env = { ...process.env, [mark]: 'yes', QUORATE_SCENARIOS: scenario, QUORATE_VERSIONS: version }
  await t.spawn('unshare', [...unshare, loopback, 'sh', ...again], { env }, 'in a network of its own')
}
