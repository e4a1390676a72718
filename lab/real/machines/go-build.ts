import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { capture, must, timed } from './shell.js'

interface GoProgram {
  /** Folder of its module; kept, so that a second build is fast. */
  readonly folder: string
  /** `github.com/coredns/coredns@v1.12.4`; several are built together. */
  readonly modules: readonly string[]
  /** Its folder receives the programs, each named after its package. */
  readonly output: string
  /** One of our main packages, which imports what it needs from the modules, and the name of its program. */
  readonly main?: { readonly name: string; readonly text: string }
}

/** Builds the main packages of modules, or one of ours that imports them. */
async function goBuild({ folder, modules, output, main }: GoProgram): Promise<void> {
  for (const made of [folder, output]) mkdirSync(made, { recursive: true })
  for (const name of ['go.mod', 'go.sum', 'main.go']) rmSync(join(folder, name), { force: true })
  const go = { cwd: folder, env: { ...process.env, CGO_ENABLED: '0' } }
  const build = ['build', '-trimpath', '-ldflags', '-s -w', '-o']
  await must('go', ['mod', 'init', 'lab'], go)
  if (main === undefined) {
    await must('go', ['get', ...modules], go)
    await must('go', [...build, `${output}/`, ...modules.map((module) => module.replace(/@.*/, ''))], go)
    return
  }
  writeFileSync(join(folder, 'main.go'), main.text)
  await must('go', ['mod', 'edit', ...modules.flatMap((module) => ['-require', module])], go)
  await must('go', ['get', '.'], go)
  await must('go', [...build, join(output, main.name), '.'], go)
}

/** Patch releases of the same minor version, nearest first. */
export function nearestPatches(version: string, listed: readonly string[]): string[] {
  const [line, patch] = [version.replace(/\.\d+$/, '.'), Number(version.replace(/.*\./, ''))]
  const away = (one: string) => Math.abs(Number(one.replace(/.*\./, '')) - patch)
  return listed
    .map((one) => one.replace(/^v/, ''))
    .filter((one) => one.startsWith(line) && /^\d+\.\d+\.\d+$/.test(one) && one !== version)
    .sort((a, b) => away(a) - away(b))
}

/**
 * etcd, etcdctl and etcdutl of the version that a release ships, into a folder named after it. The Go proxy lacks some patch releases:
 * the nearest one of that minor version replaces it then, and the folder's file `version` names it.
 */
export async function buildEtcd(version: string, source: string, output: string): Promise<void> {
  if (existsSync(join(output, 'version'))) return
  const modules = (tried: string) =>
    ['server', 'etcdctl', 'etcdutl'].map((name) => `go.etcd.io/etcd/${name}/v3@v${tried}`)
  const build = (tried: string) => goBuild({ folder: source, modules: modules(tried), output })
  await timed(`go build of etcd ${version} (about two minutes, once)`, async () => {
    let built = version
    try {
      await build(version)
    } catch (missing) {
      const asked = ['list', '-m', '-versions', 'go.etcd.io/etcd/server/v3']
      const listed = (await must('go', asked, { cwd: source })).trim().split(/\s+/)
      for (built of [...nearestPatches(version, listed).slice(0, 4), '']) {
        if (built === '') throw missing
        if ((await build(built).catch((error: unknown) => error)) === undefined) break
      }
      process.stderr.write(`  etcd ${version} is not available: using ${built} instead\n`)
    }
    renameSync(join(output, 'server'), join(output, 'etcd'))
    writeFileSync(join(output, 'version'), `${built}\n`)
  })
}

/** The plugins of kubeadm's Corefile, `prometheus` by the name of its package. Some of the others are clients of whole clouds, minutes to compile. */
const plugins =
  'cache errors forward health hosts kubernetes loadbalance log loop metrics ready reload rewrite template'

/** CoreDNS with the plugins that a cluster needs. */
export async function buildCoreDns(version: string, source: string, output: string): Promise<void> {
  if (existsSync(join(output, 'coredns'))) return
  const module = 'github.com/coredns/coredns'
  const imports = plugins.split(' ').map((name) => `import _ "${module}/plugin/${name}"`)
  const text = ['package main', `import "${module}/coremain"`, ...imports, 'func main() { coremain.Run() }', '']
  await timed('go build of CoreDNS (about a minute, once)', () =>
    goBuild({
      folder: source,
      modules: [`${module}@${version}`],
      output,
      main: { name: 'coredns', text: text.join('\n') },
    }),
  )
}

/** containerd, its shim and ctr, for a Debian whose own version is too old for the kubelet. */
export async function buildContainerd(version: string, source: string, output: string): Promise<void> {
  if (existsSync(join(output, 'ctr'))) return
  const programs = ['containerd', 'containerd-shim-runc-v2', 'ctr']
  const modules = programs.map((name) => `github.com/containerd/containerd/cmd/${name}@${version}`)
  await timed(`go build of containerd ${version} (about a minute, once)`, () =>
    goBuild({ folder: source, modules, output }),
  )
}

const crioTags = [
  'containers_image_openpgp',
  'containers_image_ostree_stub',
  'exclude_graphdriver_btrfs',
  'exclude_graphdriver_devicemapper',
]

/** CRI-O's daemon, without the parts that need C libraries, and `pinns`. It has its own module replacements, so it is built in its unpacked source. */
export async function buildCrio(version: string, source: string, output: string): Promise<void> {
  if (existsSync(join(output, 'pinns'))) return
  await timed(`go build of CRI-O ${version} (about eight minutes, once)`, async () => {
    const module = `github.com/cri-o/cri-o@${version}`
    const { Dir } = JSON.parse(await must('go', ['mod', 'download', '-json', module], { cwd: '/' }))
    rmSync(source, { recursive: true, force: true })
    await must('cp', ['-r', '--no-preserve=mode', Dir, source])
    mkdirSync(output, { recursive: true })
    const args = [
      'build',
      '-mod=mod',
      '-trimpath',
      `-tags=${crioTags.join(',')}`,
      '-o',
      join(output, 'crio'),
      './cmd/crio',
    ]
    await must('go', args, { cwd: source })
    // Its helper program in C that pins namespaces.
    const parts = ['pinns.c', 'sysctl.c'].map((name) => join(source, 'pinns/src', name))
    await must('gcc', ['-std=c99', '-O2', '-static', '-o', join(output, 'pinns'), ...parts])
  })
}

/**
 * flannel's agent without two of its backends: one contains C, the Go proxy lacks the other one's module. Its main package is one file,
 * which is copied without their lines.
 */
export async function buildFlannel(version: string, source: string, output: string): Promise<void> {
  if (existsSync(join(output, 'flanneld'))) return
  const module = `github.com/flannel-io/flannel@${version}`
  await timed(`go build of flannel ${version} (about two minutes, once)`, async () => {
    const downloaded = await must('go', ['mod', 'download', '-json', module], { cwd: '/' })
    const upstream = readFileSync(join(JSON.parse(downloaded).Dir, 'main.go'), 'utf8')
    const text = upstream.replace(/^.*"[^"]*\/backend\/(tencentvpc|udp)"\n/gm, '')
    await goBuild({ folder: source, modules: [module], output, main: { name: 'flanneld', text } })
  })
}

const kubernetesPrograms = [
  'kubeadm',
  'kubelet',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubectl',
]

/**
 * There is no package of kubeadm or kubelet: they are built from the Go module k8s.io/kubernetes, whose go.mod replaces its staging
 * modules by relative paths, so each is replaced here by its released version (v1.37.2 -> v0.37.2).
 */
async function compileKubernetes(version: string, source: string, output: string): Promise<void> {
  const staging = `v0.${version.replace(/^v1\./, '')}`
  for (const folder of [source, output]) mkdirSync(folder, { recursive: true })
  for (const name of ['go.mod', 'go.sum']) rmSync(join(source, name), { force: true })
  const go = { cwd: source, env: { ...process.env, CGO_ENABLED: '0' } }
  await must('go', ['mod', 'init', 'lab'], go)
  const download = JSON.parse(await must('go', ['mod', 'download', '-json', `k8s.io/kubernetes@${version}`], go))
  const upstream = readFileSync(download.GoMod, 'utf8')
  const replaced = [...upstream.matchAll(/^\s+(k8s\.io\/[a-z0-9-]+) (?:=> \.\/staging|v0\.0\.0$)/gm)].map(
    (match) => match[1],
  )
  const edits = [...new Set(replaced)].flatMap((name) => ['-replace', `${name}=${name}@${staging}`])
  const goVersion = /^go (\S+)/m.exec(upstream)?.[1] ?? '1.22'
  await must('go', ['mod', 'edit', ...edits, `-go=${goVersion}`, '-require', `k8s.io/kubernetes@${version}`], go)
  const commands = kubernetesPrograms.map((name) => `k8s.io/kubernetes/cmd/${name}`)
  writeFileSync(
    join(source, 'tools.go'),
    `//go:build tools\n\npackage tools\n\n${commands.map((name) => `import _ "${name}"`).join('\n')}\n`,
  )
  // Some test-only modules cannot be found; those that the programs need can.
  await capture('go', ['mod', 'tidy', '-e'], go)
  // Without these kubeadm takes itself for v0.0.0 and refuses every cluster.
  const stamp = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((name) => [
    `-X ${name}.gitVersion=${version}`,
    `-X ${name}.gitMajor=1`,
    `-X ${name}.gitMinor=${version.split('.')[1]}`,
    `-X ${name}.gitTreeState=clean`,
    `-X ${name}.buildDate=2026-01-01T00:00:00Z`,
  ])
  await must('go', ['build', '-trimpath', '-ldflags', `-s -w ${stamp.join(' ')}`, '-o', `${output}/`, ...commands], go)
}

/** Kubernetes' seven programs of a release, into a folder; nothing if they exist. */
export async function buildKubernetes(version: string, source: string, output: string): Promise<void> {
  if (kubernetesPrograms.every((name) => existsSync(join(output, name)))) return
  if ((await capture('which', ['go'])).exitCode !== 0)
    throw new Error('Go is needed to build Kubernetes: install Go 1.26 or later and try again')
  await timed(`go build of Kubernetes ${version} (about 12 minutes on 2 cores, once)`, () =>
    compileKubernetes(version, source, output),
  )
}
