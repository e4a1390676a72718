/** The programs of a load balancer that Quorate runs. */
export type LoadBalancerProgram = 'haproxy' | 'keepalived'

/** Services by which they run. */
export type LoadBalancerUnit = LoadBalancerProgram | `quorate-${LoadBalancerProgram}`

/** How one of the programs runs on a machine: its service and the configuration that it is started with. */
export interface LoadBalancerPlace {
  readonly program: LoadBalancerProgram
  readonly unit: LoadBalancerUnit
  readonly configPath: string
  /** The unit file, where it is Quorate's too; undefined: the package's. */
  readonly unitPath?: string
}

/** Services and files of Quorate's own: what the operator runs by the package's service stays as it is (docs/decisions/0015-own-units.md). */
const ownPlaces = {
  haproxy: {
    program: 'haproxy',
    unit: 'quorate-haproxy',
    configPath: '/etc/quorate-haproxy/haproxy.cfg',
    unitPath: '/etc/systemd/system/quorate-haproxy.service',
  },
  keepalived: {
    program: 'keepalived',
    unit: 'quorate-keepalived',
    configPath: '/etc/quorate-keepalived/keepalived.conf',
    unitPath: '/etc/systemd/system/quorate-keepalived.service',
  },
} as const satisfies Record<LoadBalancerProgram, LoadBalancerPlace>

/** The package's service with its own file. Releases before 0015 wrote their configuration there. */
export const packagePlaces = {
  haproxy: { program: 'haproxy', unit: 'haproxy', configPath: '/etc/haproxy/haproxy.cfg' },
  keepalived: { program: 'keepalived', unit: 'keepalived', configPath: '/etc/keepalived/keepalived.conf' },
} as const satisfies Record<LoadBalancerProgram, LoadBalancerPlace>

/** Every place of a program, the one that is used today first. */
export const placesOf = (program: LoadBalancerProgram): readonly LoadBalancerPlace[] => [
  ownPlaces[program],
  packagePlaces[program],
]

const allPlaces = (['haproxy', 'keepalived'] as const).flatMap(placesOf)

/** Services by which a load balancer of Quorate's may run. */
export const loadBalancerUnits: readonly LoadBalancerUnit[] = allPlaces.map(({ unit }) => unit)

/** Files that Quorate may write for a load balancer. */
export const loadBalancerPaths: readonly string[] = allPlaces.flatMap(({ configPath, unitPath }: LoadBalancerPlace) =>
  unitPath === undefined ? [configPath] : [configPath, unitPath],
)

/**
 * Where a program runs on a machine, by the files of Quorate that are there (path to text). A machine that an earlier release converted has one
 * in the package's place and keeps it there; all others have Quorate's own.
 */
export const placeOf = (program: LoadBalancerProgram, ours: Readonly<Record<string, unknown>>): LoadBalancerPlace =>
  ours[packagePlaces[program].configPath] === undefined ? ownPlaces[program] : packagePlaces[program]
