/** Length of the measurement; milliseconds of processor time. */
const workMs = 150

/**
 * The share of one processor that a busy program gets now, 0 to 1: 1 on an idle machine, a fifth with nine others on two processors.
 */
export function machineShare(): number {
  const [began, before] = [performance.now(), process.cpuUsage()]
  for (let used = 0; used < workMs; ) {
    const { user, system } = process.cpuUsage(before)
    used = (user + system) / 1_000
  }
  return Math.min(1, workMs / (performance.now() - began))
}

/** With less than half a processor a simulated site answers so late that clients give up. */
export const isBusy = (share: number): boolean => share < 0.5
