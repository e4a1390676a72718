import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, version } from './bundle.js'
import { type Content, contentsOf } from './package-contents.js'
import { type Architecture, architectures, type Format, type Program } from './programs.js'

/** Counts packages of one version of Quorate. */
const release = '1'
export const packageVersion = `${version}-${release}`
export const maintainer = 'Quorate maintainers <maintainers@quorate.example>'

/** As repositories of the distributions expect it. */
export function packageName(name: Program['name'], architecture: Architecture, format: Format): string {
  const { debian, rpm } = architectures[architecture]
  return format === 'deb' ? `${name}_${packageVersion}_${debian}.deb` : `${name}-${packageVersion}.${rpm}.rpm`
}

const described: Readonly<Record<Program['name'], { readonly summary: string; readonly more: string }>> = {
  quorate: {
    summary: 'make a kubeadm cluster highly available, in place',
    more: 'Turns a running kubeadm cluster with one control plane into a highly available\none. This package has the coordinator: the command line, REST as a service that\nis not enabled, and the agents that it deploys to nodes.',
  },
  'quorate-agent': {
    summary: 'agent of Quorate on a node of a kubeadm cluster',
    more: 'Does named operations on its node for a coordinator (package quorate), by gRPC\nwith mutual TLS. Its service is enabled when the node has an identity.',
  },
}

export interface Parts {
  readonly program: Program
  readonly architecture: Architecture
  /** The time of every file inside, and of the package. */
  readonly time: Date
  readonly contents: Content
  readonly nfpm: string
  /** For files of the build. */
  readonly work: string
}

/** Writes a package of a program into a folder. */
export function writeSystemPackage(folder: string, format: Format, parts: Parts): void {
  const { program, architecture, nfpm, work } = parts
  const config = join(work, `${format}.json`)
  // YAML, of which JSON is a part.
  writeFileSync(config, JSON.stringify(configOf(format, parts), undefined, 2))
  const target = join(folder, packageName(program.name, architecture, format))
  execFileSync(nfpm, ['package', '--config', config, '--packager', format, '--target', target], {
    // For what nfpm dates by itself.
    env: { SOURCE_DATE_EPOCH: String(parts.time.getTime() / 1000) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

const script = (format: Format, name: Program['name'], when: string): string =>
  join(root, 'packaging/scripts', format, `${name}.${when}`)

function configOf(format: Format, { program: { name }, architecture, time, contents }: Parts) {
  const { summary, more } = described[name]
  return {
    ...{ name, version, release, arch: architectures[architecture].debian, platform: 'linux' },
    ...{ section: 'admin', priority: 'optional', license: 'Apache-2.0', mtime: time.toISOString() },
    maintainer,
    description: `${summary}\n${more}`,
    contents: contentsOf(contents, { format, name, time }),
    scripts: {
      postinstall: script(format, name, 'postinst'),
      preremove: script(format, name, 'prerm'),
      postremove: script(format, name, 'postrm'),
    },
    // What Node.js needs; systemd, because the services are its units.
    depends: {
      deb: ['libc6 (>= 2.28)', 'libstdc++6 (>= 6)', 'libgcc-s1 | libgcc1', 'systemd'],
      rpm: [
        'libc.so.6(GLIBC_2.28)(64bit)',
        'libstdc++.so.6(GLIBCXX_3.4.21)(64bit)',
        'libgcc_s.so.1()(64bit)',
        'systemd',
      ],
    }[format],
    // gzip: dpkg of Debian 11 and rpm of RHEL 7 read no zstd.
    deb: { compression: 'gzip' },
    // nfpm would write the name of the machine.
    rpm: { compression: 'gzip', buildhost: 'localhost', summary },
  }
}
