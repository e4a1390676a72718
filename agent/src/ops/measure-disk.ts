import type { MeasureDiskRequest, MeasureDiskResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readFolders } from '../host/node-folders.js'
import { readOperation } from './context/operation.js'

/** Enough for a percentile, and the size of a record in etcd's WAL (the fio line on etcd's hardware page). */
const writes = 100
const bytes = 2_300
const longestMs = 500

/** How long the disk of etcd's data takes to make a record durable. Never in etcd's own files. */
export const measureDisk = readOperation<MeasureDiskRequest, MeasureDiskResponse>(async (request, { host }) => {
  const limitMs = Math.min(request.limitMs || longestMs, longestMs)
  const { etcdDataDir } = await readFolders(host)
  const { folder, took } = await host.syncLatency(etcdDataDir, { writes, bytes, limitMs })
  const bytesPerSecond = request.sequential ? (await host.writeRate(etcdDataDir, limitMs)).bytesPerSecond : 0
  const sorted = [...took].sort((a, b) => a - b)
  const microseconds = (share: number): number =>
    Math.round((sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0) * 1_000)
  const [leastUs, medianUs, p99Us] = [0, 0.5, 0.99].map(microseconds) as [number, number, number]
  return { folder, writes: took.length, leastUs, medianUs, p99Us, bytesPerSecond }
})
