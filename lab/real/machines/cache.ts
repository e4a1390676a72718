import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildContainerd, buildCoreDns, buildCrio, buildEtcd, buildFlannel, buildKubernetes } from './go-build.js'
import { packImage, unpackPackages } from './image.js'
import { containerdConfig, kubeletDropIn, kubeletUnit, labNodeUnit, labSetup } from './node-files.js'
import { ensureRootfs, type Suite } from './rootfs.js'
import { capture, must, timed } from './shell.js'

/** Built once and used by every lab on this machine; outside the checkout so that a fresh clone finds it. */
const cacheFolder = process.env['QUORATE_LAB_CACHE'] ?? '/var/cache/quorate-lab'
const files = join(dirname(fileURLToPath(import.meta.url)), 'files')
export const labFile = (name: string) => join(files, name)
const registry = 'registry.k8s.io'
/** One version for all releases: for names and probes all versions behave alike. The image has the tag that kubeadm requires. */
const coreDns = 'v1.12.4'
const flannel = 'v0.28.4'
const crio = 'v1.34.0'
/** Debian 11 has 1.4, without the CRI v1 that kubelets need since 1.26: users of such machines install a newer one. */
const containerd = 'v1.7.30'
const ownContainerd = (suite: Suite): boolean => suite === 'bullseye'

export const binaries = (version: string) => join(cacheFolder, 'k8s', version)
const source = (name: string) => join(cacheFolder, 'src', name)
const extras = join(cacheFolder, 'extras')
export const rootfs = (suite: Suite) => join(cacheFolder, suite === 'bookworm' ? 'rootfs' : `rootfs-${suite}`)
/** A short hash in a folder's name that identifies its content. */
const contentName = (content: string): string => createHash('sha256').update(content).digest('hex').slice(0, 8)
const packing = readFileSync(new URL('image.ts', import.meta.url), 'utf8')
/** By content and packer: images of older labs are never reused for other content. */
export const images = (version: string) =>
  join(cacheFolder, 'images', `${version}-${contentName([packing, coreDns, ...imagesOf(version)].join('\0'))}`)

const asked = new Map<string, readonly string[]>()

/** The images of this kubeadm, as it lists them: with its tags, so that no table here can be outdated. */
function imagesOf(version: string): readonly string[] {
  const known = asked.get(version)
  if (known !== undefined) return known
  const argv = ['config', 'images', 'list', '--kubernetes-version', version]
  const printed = execFileSync(join(binaries(version), 'kubeadm'), argv, { encoding: 'utf8' })
  const listed = printed.trim().split(/\s+/)
  asked.set(version, listed)
  return listed
}

export function imageOf(version: string, name: string): string {
  const found = imagesOf(version).find((image) => image.startsWith(`${registry}/${name}:`))
  if (found === undefined) throw new Error(`kubeadm ${version} lists no image of ${name}`)
  return found
}

/** `3.5.15` of `etcd:3.5.15-0`. */
const etcdVersion = (version: string): string => /:v?(\d+\.\d+\.\d+)/.exec(imageOf(version, 'etcd'))?.[1] ?? ''

/** Where the matching etcd, etcdctl and etcdutl of a Kubernetes release are. */
export const etcdPrograms = (version: string) => join(extras, `etcd-${etcdVersion(version)}`)

/** Installs the host's missing Debian packages; Go must be installed, Debian's own is too old. */
async function ensureHostPackages(): Promise<void> {
  const wanted = {
    debootstrap: 'debootstrap',
    'systemd-nspawn': 'systemd-container',
    ip: 'iproute2',
    gcc: 'gcc',
    nsenter: 'util-linux',
    strip: 'binutils',
  }
  const missing: string[] = []
  for (const [program, name] of Object.entries(wanted)) {
    if ((await capture('which', [program])).exitCode !== 0) missing.push(name)
  }
  if (missing.length === 0) return
  await timed(`apt-get install ${missing.join(' ')}`, async () => {
    await must('apt-get', ['update', '-qq'])
    await must('apt-get', ['install', '-y', '-qq', ...missing], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  })
}

/** CoreDNS and pause: the same for every release here. */
async function ensureExtras(): Promise<void> {
  await buildCoreDns(coreDns, source('coredns'), extras)
  if (!existsSync(join(extras, 'pause')))
    await must('gcc', ['-O2', '-static', '-o', join(extras, 'pause'), join(files, 'pause.c')])
}

function put(root: string, path: string, content: string, mode = 0o644): void {
  mkdirSync(join(root, dirname(path)), { recursive: true })
  writeFileSync(join(root, path), content, { mode })
}

/**
 * What a node of one version has in addition to the root file system: an overlay layer above it. Named by its content, and never changed once it
 * exists: nodes of another lab may be running on it.
 */
export function layer(version: string, suite: Suite): string {
  const crictl = readFileSync(join(files, 'crictl'), 'utf8')
  const runtime = ownContainerd(suite) ? containerd : ''
  const texts = [suite, runtime, crictl, kubeletUnit, kubeletDropIn, labNodeUnit, labSetup, ...imagesOf(version)]
  const config = containerdConfig(imageOf(version, 'pause'))
  return join(cacheFolder, 'layers', `${version}-${contentName([...texts, config].join('\0'))}`)
}

async function ensureLayer(version: string, suite: Suite): Promise<void> {
  const made = layer(version, suite)
  if (existsSync(made)) return
  const root = `${made}.${process.pid}`
  rmSync(root, { recursive: true, force: true })
  for (const name of ['kubeadm', 'kubelet', 'kubectl'])
    await must('install', ['-D', '-m755', join(binaries(version), name), join(root, 'usr/bin', name)])
  for (const name of ['etcdctl', 'etcdutl'])
    await must('install', ['-D', '-m755', join(etcdPrograms(version), name), join(root, 'usr/local/bin', name)])
  if (ownContainerd(suite))
    for (const name of ['containerd', 'containerd-shim-runc-v2', 'ctr'])
      await must('install', ['-D', '-m755', join(extras, 'containerd', name), join(root, 'usr/bin', name)])
  await must('install', ['-D', '-m755', join(files, 'crictl'), join(root, 'usr/local/bin/crictl')])
  put(root, 'etc/systemd/system/kubelet.service', kubeletUnit)
  put(root, 'etc/systemd/system/kubelet.service.d/10-kubeadm.conf', kubeletDropIn)
  put(root, 'etc/systemd/system/lab-node.service', labNodeUnit)
  put(root, 'etc/lab/setup', labSetup, 0o755)
  put(root, 'etc/containerd/config.toml', containerdConfig(imageOf(version, 'pause')))
  put(root, 'etc/machine-id', '')
  for (const folder of ['opt/cni/bin', 'etc/cni/net.d', 'etc/kubernetes/manifests'])
    mkdirSync(join(root, folder), { recursive: true })
  await must('cp', ['-a', `${rootfs(suite)}/usr/lib/cni/.`, join(root, 'opt/cni/bin/')])
  const wants = join(root, 'etc/systemd/system')
  for (const [unit, target] of [
    ['lab-node.service', 'sysinit.target.wants'],
    ['kubelet.service', 'multi-user.target.wants'],
  ] as const) {
    mkdirSync(join(wants, target), { recursive: true })
    await must('ln', ['-sf', `/etc/systemd/system/${unit}`, join(wants, target, unit)])
  }
  renameSync(root, made)
}

async function ensureImages(version: string): Promise<void> {
  const folder = images(version)
  if (existsSync(join(folder, 'done'))) return
  mkdirSync(folder, { recursive: true })
  const pack = (name: string, spec: Omit<Parameters<typeof packImage>[0], 'file' | 'reference'>) =>
    packImage({ file: join(folder, `${name}.tar`), reference: imageOf(version, name), ...spec })
  const from = (folder: string, names: readonly string[], to: string) =>
    Object.fromEntries(names.map((name) => [join(folder, name), join(to, name)]))
  const bin = 'usr/local/bin'
  await timed(`container images of ${version}`, async () => {
    for (const name of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])
      await pack(name, { programs: from(binaries(version), [name], bin) })
    await pack('etcd', { programs: from(etcdPrograms(version), ['etcd', 'etcdctl', 'etcdutl'], bin) })
    await packImage({
      file: join(folder, 'coredns.tar'),
      reference: imageOf(version, 'coredns/coredns'),
      programs: from(extras, ['coredns'], '.'),
      entrypoint: '/coredns',
    })
    await pack('pause', { programs: from(extras, ['pause'], '.'), entrypoint: '/pause' })
    await pack('kube-proxy', {
      programs: from(binaries(version), ['kube-proxy'], bin),
      iptablesOf: rootfs('bookworm'),
    })
    writeFileSync(join(folder, 'done'), '')
  })
}

/** Debian's nginx as an image, for nodes that run it as a static pod. */
export async function nginxImage(): Promise<{ readonly reference: string; readonly file: string }> {
  const reference = 'docker.io/library/nginx:1.22-lab'
  const file = join(cacheFolder, 'images', `nginx-${contentName(packing)}.tar`)
  const packages = ['nginx', 'libnginx-mod-stream']
  if (!existsSync(file)) await packImage({ file, reference, programs: {}, packages, iptablesOf: rootfs('bookworm') })
  return { reference, file }
}

/** Debian packages for CRI-O: the monitor of its containers, and the tool that imports images into its storage without a registry. */
const besideCrio = ['conmon', 'libglib2.0-0', 'skopeo', 'libgpgme11', 'libassuan0', 'libdevmapper1.02.1']

/** A folder with the files of Debian packages, with their paths on a node; their dependencies are there already. */
async function unpackedPackages(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(extras, `${name}-packages-${contentName(packages.join(' '))}`)
  if (existsSync(folder)) return folder
  mkdirSync(extras, { recursive: true })
  const work = mkdtempSync(`${folder}.`)
  renameSync(await unpackPackages(packages, work), folder)
  rmSync(work, { recursive: true })
  return folder
}

/** For `quorate deploy`: both sides of ssh, and sudo. */
export const sshPackages = (): Promise<string> =>
  unpackedPackages('ssh', ['openssh-client', 'openssh-server', 'libwrap0', 'sudo'])

/** CRI-O's own programs, and a folder with its other files, with their paths on a node. */
export async function crioFiles(): Promise<{ readonly programs: readonly string[]; readonly packages: string }> {
  await buildCrio(crio, source('crio'), extras)
  const packages = await unpackedPackages('crio', besideCrio)
  return { programs: ['crio', 'pinns'].map((name) => join(extras, name)), packages }
}

/** The image of flannel's agent, made once; like kube-proxy it runs iptables. */
export async function flannelImage(): Promise<{ readonly reference: string; readonly file: string }> {
  const reference = `ghcr.io/flannel-io/flannel:${flannel}`
  const file = join(cacheFolder, 'images', `flannel-${flannel}-${contentName(packing)}.tar`)
  if (existsSync(file)) return { reference, file }
  await buildFlannel(flannel, source('flannel'), extras)
  const programs = { [join(extras, 'flanneld')]: 'usr/local/bin/flanneld' }
  await packImage({ file, reference, programs, iptablesOf: rootfs('bookworm') })
  return { reference, file }
}

/** Makes all that a lab of this version needs, once; the first time takes about a quarter of an hour on two cores. */
export async function ensureVersion(version: string, suite: Suite): Promise<void> {
  await ensureHostPackages()
  mkdirSync(cacheFolder, { recursive: true })
  await buildKubernetes(version, source(version), binaries(version))
  await buildEtcd(etcdVersion(version), source(`etcd-${etcdVersion(version)}`), etcdPrograms(version))
  await ensureExtras()
  await ensureRootfs('bookworm', rootfs('bookworm'))
  await ensureRootfs(suite, rootfs(suite))
  if (ownContainerd(suite)) await buildContainerd(containerd, source('containerd'), join(extras, 'containerd'))
  await ensureLayer(version, suite)
  await ensureImages(version)
}
