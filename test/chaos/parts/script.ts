import { Chance } from './chance.js'

/** When in the writing of a record: before any byte of it, in its middle, written and not synced, synced. */
type Moment = 'before' | 'torn' | 'written' | 'synced'
const moments: readonly Moment[] = ['before', 'torn', 'written', 'synced']

/** `operator`: the coordinator's process; a node's name: its agent's. */
export interface Place {
  readonly who: string
  /** What record, in the words of lab/simulated/death.mjs. */
  readonly record: string
}

/** One kill -9. `power`: the machine loses its power with it: what was not synced is lost, and on a node all that runs there. */
export interface Kill {
  readonly who: string
  readonly power: boolean
  readonly at: { readonly record: string; readonly moment: Moment } | { readonly afterMs: number }
  /** How long a node stays without power, an agent dead. */
  readonly downMs: number
}

/** One way: lives of the coordinator, each of which its kill ends, and what is killed on nodes meanwhile, on each in its turn. Then it is gone on with in peace. */
export interface Way {
  readonly coordinator: readonly Kill[]
  readonly nodes: readonly Kill[]
}

/** A conversion that is killed again and again, gone on with or taken back from there, killed again on the way back. Plain data: a failure prints it. */
export interface Round {
  /** `convert`, then `resume`s. */
  readonly forward: Way
  readonly turn: 'resume' | 'rollback'
  /** `rollback`s. */
  readonly back: Way
}

/** Every record of an undisturbed conversion and of its undisturbed way back, in their order. */
export interface Places {
  readonly forward: readonly Place[]
  readonly back: readonly Place[]
}

const placeKey = ({ who, record }: Place): string => `${who} ${record}`
const livesForward = 6
const livesBack = 4
/** Of a node's records in one round. */
const nodeShare = 0.35

/** Makes rounds until each record was died at, and random moments in between. */
export class Scripts {
  readonly died = new Set<string>()
  private readonly chance: Chance
  private readonly places: Places
  private readonly nodes: readonly string[]

  constructor(seed: number, places: Places, nodes: readonly string[]) {
    this.chance = new Chance(seed)
    this.places = places
    this.nodes = nodes
  }

  /** Records at which nobody died yet. */
  left(): readonly Place[] {
    return [...this.places.forward, ...this.places.back].filter((place) => !this.died.has(placeKey(place)))
  }

  note(kill: Kill): void {
    if ('record' in kill.at) this.died.add(placeKey({ who: kill.who, record: kill.at.record }))
  }

  next(): Round {
    const { chance, places } = this
    const turn = chance.happens(0.5) ? 'resume' : 'rollback'
    return {
      forward: this.way(places.forward, chance.between(2, livesForward + 1)),
      turn,
      back: this.way(places.back, chance.between(1, livesBack + 1)),
    }
  }

  /** Each party dies later in its order every time. */
  private way(places: readonly Place[], lives: number): Way {
    const { chance, nodes } = this
    const of = (who: string, count: number): Kill[] => {
      const own = places.filter((place) => place.who === who)
      const kills = this.some(own, who === 'operator' ? count : Math.ceil(own.length * nodeShare)).map((place) =>
        this.atRecord(place),
      )
      return chance.happens(0.3) ? [...kills.slice(0, -1), this.atRandom(who)] : kills
    }
    return { coordinator: of('operator', lives), nodes: nodes.flatMap((who) => of(who, lives)) }
  }

  /** That many of them in their order, first those at which nobody died yet. */
  private some(places: readonly Place[], count: number): readonly Place[] {
    const left = places.filter((place) => !this.died.has(placeKey(place)))
    const wanted = Math.min(count, places.length)
    const chosen = new Set<Place>()
    while (chosen.size < Math.min(wanted, left.length)) chosen.add(this.chance.pick(left))
    while (chosen.size < wanted) chosen.add(this.chance.pick(places))
    return places.filter((place) => chosen.has(place))
  }

  private atRecord({ who, record }: Place): Kill {
    return { ...this.kill(who), at: { record, moment: this.chance.pick(moments) } }
  }

  private atRandom(who: string): Kill {
    return { ...this.kill(who), at: { afterMs: this.chance.between(500, 8_000) } }
  }

  private kill(who: string): Omit<Kill, 'at'> {
    return { who, power: this.chance.happens(who === 'operator' ? 0.5 : 0.12), downMs: this.chance.between(20, 800) }
  }
}
