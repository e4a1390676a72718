import type { z } from 'zod'
import type { event, run } from '../documents/run.js'
import type { RecordedEvent } from '../engine/events.js'
import type { RunState } from '../engine/fold.js'
import { pictureIn } from '../runs/cluster-picture.js'

/** The cluster before the first change and at the end, as far as the run pictured it. */
export function picturesOf({ seen }: RunState) {
  const [before, after] = [pictureIn(seen.before), pictureIn(seen.after)]
  return { ...(before && { before }), ...(after && { after }) }
}

/** A run as its document has it. */
export const documentedRun = (state: RunState): z.output<typeof run.fields> => ({ ...state, seen: picturesOf(state) })

/** An event as its document has it: a snapshot, opaque to the engine, is a picture. */
export const documentedEvent = (recorded: RecordedEvent): z.output<typeof event.fields> =>
  recorded as z.output<typeof event.fields>
