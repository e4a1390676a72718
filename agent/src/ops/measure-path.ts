import type { MeasurePathRequest, MeasurePathResponse } from '@quorate/shared/gen/quorate/v1/node_agent'
import { readOperation } from './operation.js'

/** How fast this node's bytes reach another agent: what a new etcd member waits for, whose first message is the whole database. */
export const measurePath = readOperation<MeasurePathRequest, MeasurePathResponse>((request, { network }, signal) =>
  network.measurePath(request, signal),
)
