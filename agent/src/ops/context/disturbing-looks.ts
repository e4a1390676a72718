import { QuorateError } from '@quorate/shared/errors'

interface Look {
  readonly run: string
  readonly stop: AbortController
  readonly over: Promise<void>
}

/** A disturbing read in progress. */
export interface DisturbingLook {
  /** Aborts, with NODE_BUSY, when a change begins. */
  readonly signal: AbortSignal
  /** Resolves when nothing of it is left on the node. */
  end(): void
}

const busy = (): QuorateError =>
  new QuorateError('NODE_BUSY', 'a run works on this node: a check that would disturb it is refused', {
    remedy: 'Wait until that run has ended (`quorate status`), then try again.',
  })

/**
 * Reads that would disturb a change, such as ports that are held while kubeadm needs them. A change that begins ends them, and none starts
 * while it runs; only those of its own run are exempt, because the run knows when they end.
 */
export class DisturbingLooks {
  private readonly looks = new Set<Look>()
  private readonly changing: string[] = []

  /** `run` is empty for a caller outside of a run. NODE_BUSY while a change of another run is in progress. */
  begin(run: string): DisturbingLook {
    if (this.changing.some((other) => other !== run)) throw busy()
    const stop = new AbortController()
    let end = () => {}
    const over = new Promise<void>((resolve) => {
      end = resolve
    })
    const look = { run, stop, over }
    this.looks.add(look)
    return {
      signal: stop.signal,
      end: () => {
        this.looks.delete(look)
        end()
      },
    }
  }

  /** For a change of that run: resolves when the reads of others have ended. None starts until the returned function is called. */
  async giveWay(run: string): Promise<() => void> {
    this.changing.push(run)
    const others = [...this.looks].filter((look) => look.run !== run)
    for (const { stop } of others) stop.abort(busy())
    await Promise.all(others.map(({ over }) => over))
    return () => {
      this.changing.splice(this.changing.indexOf(run), 1)
    }
  }
}
