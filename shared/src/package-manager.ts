/** Of /etc/os-release. */
export interface OperatingSystem {
  /** ID: `ubuntu`, `rocky`. */
  readonly osId: string
  /** ID_LIKE, word by word. */
  readonly osLike: readonly string[]
  /** VERSION_ID: `22.04`. */
  readonly osVersion: string
}

interface PackageManager {
  /** IDs of systems that have it, or are like one that has. */
  readonly of: readonly string[]
  install(packages: readonly string[]): string
  /** A package of Kubernetes in the release that is asked for, such as `1.37.2`, also an older one and one that is held. */
  pinned(program: string, version: string): string
  /** Names of packages that others call otherwise. */
  readonly names?: Readonly<Record<string, string>>
}

const apt: PackageManager = {
  of: ['debian', 'ubuntu'],
  install: (packages) => `apt-get install ${packages.join(' ')}`,
  pinned: (program, version) =>
    `apt-get install --allow-change-held-packages --allow-downgrades '${program}=${version}-*'`,
}

const dnf: PackageManager = {
  of: ['fedora', 'rhel', 'centos', 'rocky', 'almalinux', 'ol', 'amzn'],
  install: (packages) => `dnf install ${packages.join(' ')}`,
  pinned: (program, version) => `dnf install --disableexcludes=kubernetes ${program}-${version}`,
  names: { iproute2: 'iproute' },
}

const zypper: PackageManager = {
  of: ['sles', 'suse', 'opensuse', 'opensuse-leap', 'opensuse-tumbleweed'],
  install: (packages) => `zypper install ${packages.join(' ')}`,
  pinned: (program, version) => `zypper install --oldpackage ${program}-${version}`,
}

const managers = [apt, dnf, zypper]

const yum = (text: string): string => text.replace(/^dnf /, 'yum ')

/** Before dnf: 7 of Red Hat and its rebuilds, Amazon Linux 2. */
const hasYum = ({ osId, osVersion }: OperatingSystem): boolean =>
  (['rhel', 'centos', 'ol'].includes(osId) && Number.parseInt(osVersion, 10) < 8) ||
  (osId === 'amzn' && osVersion === '2')

function managerOf(system: OperatingSystem | undefined): PackageManager | undefined {
  if (system === undefined) return undefined
  const kinship = [system.osId, ...system.osLike]
  return managers.find(({ of }) => kinship.some((id) => of.includes(id)))
}

/** The command that installs packages on a machine, by the names that Debian gives them; of each manager where the system is none that is known. */
export function installCommand(system: OperatingSystem | undefined, packages: readonly string[]): string {
  const ofManager = ({ install, names = {} }: PackageManager): string =>
    install(packages.map((name) => names[name] ?? name))
  return spoken(system, ofManager)
}

/** As `installCommand`, for a program of Kubernetes in one release: `v1.37.2`. */
export function installRelease(system: OperatingSystem | undefined, program: string, version: string): string {
  return spoken(system, (manager) => manager.pinned(program, version.replace(/^v/, '')))
}

function spoken(system: OperatingSystem | undefined, command: (manager: PackageManager) => string): string {
  const manager = managerOf(system)
  if (manager === undefined) return managers.map(command).join(', or ')
  return system !== undefined && hasYum(system) ? yum(command(manager)) : command(manager)
}
