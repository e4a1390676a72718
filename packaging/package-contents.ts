import { basename, join } from 'node:path'
import { root } from './bundle.js'
import type { Format, Program } from './programs.js'

/** Files of a build that go into packages: paths of this machine. */
export interface Content {
  readonly executable: string
  readonly manPage: string
  /** Of the coordinator only. */
  readonly completions?: Readonly<Record<'bash' | 'zsh' | 'fish', string>>
  /** Executables of agents, which the coordinator deploys; of the coordinator only. */
  readonly agents: readonly string[]
  readonly copyright: string
  readonly changelog: string
  readonly licenses: string
  readonly sbom: string
}

type Entry = readonly [from: string, to: string, mode?: number, type?: 'config|noreplace']

/** What nfpm puts into a package. Owner, mode and time of each file are said, so that those of this machine do not count. */
export function contentsOf(
  content: Content,
  { format, name, time }: { readonly format: Format; readonly name: Program['name']; readonly time: Date },
) {
  const info = (mode: number) => ({ mode, mtime: time.toISOString(), owner: 'root', group: 'root' })
  const files = [...common(content, name, format), ...own[name](content, format)].map(
    ([src, dst, mode = 0o644, type]) => ({
      ...{ src, dst, file_info: info(mode) },
      ...(type === undefined ? {} : { type }),
    }),
  )
  return [...files, ...folders[name].map((dst) => ({ dst, type: 'dir', file_info: info(0o750) }))]
}

const common = (content: Content, name: string, format: Format): readonly Entry[] => [
  [content.executable, `/usr/bin/${name}`, 0o755],
  [content.copyright, `/usr/share/doc/${name}/copyright`],
  [content.licenses, `/usr/share/doc/${name}/third-party-licenses.gz`],
  [content.sbom, `/usr/share/doc/${name}/sbom.cdx.json.gz`],
  ...(format === 'deb' ? ofDebian(content, name) : []),
]

const ofDebian = ({ changelog }: Content, name: string): readonly Entry[] => [
  [changelog, `/usr/share/doc/${name}/changelog.Debian.gz`],
  [source(`packaging/lintian/${name}`), `/usr/share/lintian/overrides/${name}`],
]

const units = '/usr/lib/systemd/system'
const source = (path: string): string => join(root, path)

const own: Readonly<Record<Program['name'], (content: Content, format: Format) => readonly Entry[]>> = {
  quorate: ({ manPage, completions, agents }, format) => [
    ...agents.map((path): Entry => [path, `/usr/lib/quorate/${basename(path)}`, 0o755]),
    [manPage, '/usr/share/man/man1/quorate.1.gz'],
    [source('systemd/quorate-coordinator.service'), `${units}/quorate-coordinator.service`],
    [source('systemd/quorate.sysusers'), '/usr/lib/sysusers.d/quorate.conf'],
    [source('systemd/quorate-coordinator.default'), '/etc/default/quorate-coordinator', 0o644, 'config|noreplace'],
    ...(completions === undefined
      ? []
      : ([
          [completions.bash, '/usr/share/bash-completion/completions/quorate'],
          [completions.zsh, `/usr/share/zsh/${zshFolder[format]}/_quorate`],
          [completions.fish, '/usr/share/fish/vendor_completions.d/quorate.fish'],
        ] as const)),
  ],
  'quorate-agent': ({ manPage }) => [
    [manPage, '/usr/share/man/man8/quorate-agent.8.gz'],
    [source('systemd/quorate-agent.service'), `${units}/quorate-agent.service`],
  ],
}

const zshFolder: Readonly<Record<Format, string>> = { deb: 'vendor-completions', rpm: 'site-functions' }

/** The identity of a node lies there: readable by root alone. */
const folders: Readonly<Record<Program['name'], readonly string[]>> = { quorate: [], 'quorate-agent': ['/etc/quorate'] }
