/** How long is worked to find out; milliseconds of processor time. */
const workMs = 150

/**
 * What a program that works gets of one processor now, 0 to 1: 1 on an idle machine, a fifth where nine others want its two processors.
 */
export function machineShare(): number {
  const [began, before] = [performance.now(), process.cpuUsage()]
  for (let used = 0; used < workMs; ) {
    const { user, system } = process.cpuUsage(before)
    used = (user + system) / 1_000
  }
  return Math.min(1, workMs / (performance.now() - began))
}

/** A simulated site that gets less than half a processor answers so late that clients give up. */
export const isBusy = (share: number): boolean => share < 0.5
