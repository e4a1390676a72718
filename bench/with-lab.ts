import { freePrefix, Lab } from '../lab/real/lab.js'

/** A cluster of real nodes for one measurement: one control plane, two more machines and two workers. */
export async function withLab<T>(version: string, role: string, work: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = Lab.make(`bench-${role}-${process.pid}`, { version, workers: 2, prefix: freePrefix() })
  try {
    await lab.up()
    return await work(lab)
  } finally {
    await lab.down()
  }
}
