import { QuorateError } from '@quorate/shared/errors'

interface Look {
  readonly run: string
  readonly stop: AbortController
  readonly over: Promise<void>
}

/** A look that is under way. */
export interface DisturbingLook {
  /** Aborts, with NODE_BUSY, when a change begins. */
  readonly signal: AbortSignal
  /** When nothing of it is left on the node. */
  end(): void
}

const busy = (): QuorateError =>
  new QuorateError('NODE_BUSY', 'a run works on this node: a look that would be in its way is not taken', {
    remedy: 'Wait until that run has ended (`quorate status`), then look again.',
  })

/**
 * Looks that a change would stumble over, such as ports that are held while kubeadm wants them. A change that begins ends them, and none is begun
 * while it runs; only those of its own run are left alone, which knows when they are over.
 */
export class DisturbingLooks {
  private readonly looks = new Set<Look>()
  private readonly changing: string[] = []

  /** `run` is empty for a caller that only looks. NODE_BUSY while a change of another run is under way. */
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

  /** For a change of that run: resolves when the looks of others are over. None begins until what it answers is called. */
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
