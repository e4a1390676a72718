import type { MeasurePathRequest, MeasurePathResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './context/operation.js'

/** How fast this node sends to another agent: a new etcd member waits for its first message, the whole database. */
export const measurePath = readOperation<MeasurePathRequest, MeasurePathResponse>((request, { network }, signal) =>
  network.measurePath(request, signal),
)
