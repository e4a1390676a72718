import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packImage } from './image.js'
import { capture, must, timed } from './shell.js'

/** What is built once and used by every lab on this machine; outside the checkout so that a fresh clone finds it. */
const cacheFolder = process.env['QUORATE_LAB_CACHE'] ?? '/var/cache/quorate-lab'
const files = join(dirname(fileURLToPath(import.meta.url)), 'files')

/** Image tags by minor version: what that kubeadm asks for (cmd/kubeadm/app/constants). */
const imageTags: Readonly<Record<string, { etcd: string; coredns: string; pause: string }>> = {
  '1.30': { etcd: '3.5.12-0', coredns: 'v1.11.1', pause: '3.9' },
  '1.34': { etcd: '3.6.5-0', coredns: 'v1.12.1', pause: '3.10.1' },
  '1.37': { etcd: '3.7.0-0', coredns: 'v1.14.6', pause: '3.10.2' },
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
const nodePackages =
  'systemd,systemd-sysv,dbus,iproute2,iptables,nftables,conntrack,ethtool,socat,kmod,procps,ca-certificates,curl,openssl,containerd,runc,containernetworking-plugins,haproxy,keepalived,iputils-ping,util-linux,libc-bin'

export const binaries = (version: string) => join(cacheFolder, 'k8s', version)
export const extras = join(cacheFolder, 'extras')
export const rootfs = join(cacheFolder, 'rootfs')
/** Tells what was made of one content from what was made of another, in the name of a folder. */
const contentName = (content: string): string => createHash('sha256').update(content).digest('hex').slice(0, 8)
const packing = contentName(readFileSync(new URL('image.ts', import.meta.url), 'utf8'))
/** By what packs them too: an image of an older lab is never another lab's. */
export const images = (version: string) => join(cacheFolder, 'images', `${version}-${packing}`)

function tagsOf(version: string) {
  const tags = imageTags[version.replace(/^v/, '').split('.').slice(0, 2).join('.')]
  if (tags === undefined)
    throw new Error(`no image tags are known for ${version}: known are ${Object.keys(imageTags).join(', ')}`)
  return tags
}

/** Installs what the host lacks, by Debian's packages; Go must be there, Debian's own is too old. */
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

async function goBuild(folder: string, module: string, version: string, output: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  for (const name of ['go.mod', 'go.sum']) rmSync(join(folder, name), { force: true })
  const go = { cwd: folder, env: { ...process.env, CGO_ENABLED: '0' } }
  await must('go', ['mod', 'init', 'lab'], go)
  await must('go', ['get', `${module}@${version}`], go)
  await must('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', `${output}.new`, module], go)
  renameSync(`${output}.new`, output)
}

/** etcd, etcdctl, CoreDNS and pause: the same for every Kubernetes version here. */
async function ensureExtras(): Promise<void> {
  mkdirSync(extras, { recursive: true })
  const modules: readonly [string, string, string][] = [
    ['etcd', 'go.etcd.io/etcd/server/v3', 'v3.6.5'],
    ['etcdctl', 'go.etcd.io/etcd/etcdctl/v3', 'v3.6.5'],
    ['etcdutl', 'go.etcd.io/etcd/etcdutl/v3', 'v3.6.5'],
    ['coredns', 'github.com/coredns/coredns', 'v1.12.4'],
  ]
  for (const [name, module, version] of modules) {
    if (existsSync(join(extras, name))) continue
    await timed(`go build ${name} ${version} (about a minute)`, () =>
      goBuild(join(cacheFolder, 'src', name), module, version, join(extras, name)),
    )
  }
  if (!existsSync(join(extras, 'pause')))
    await must('gcc', ['-O2', '-static', '-o', join(extras, 'pause'), join(files, 'pause.c')])
}

/**
 * There is no package of kubeadm or kubelet: they are built from the Go module k8s.io/kubernetes, whose go.mod replaces its staging
 * modules by relative paths, so each is replaced here by its released version (v1.37.2 -> v0.37.2).
 */
async function buildKubernetes(version: string): Promise<void> {
  const source = join(cacheFolder, 'src', version)
  const [output, staging] = [binaries(version), `v0.${version.replace(/^v1\./, '')}`]
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
  // Some test-only modules cannot be found; what the programs need can.
  await capture('go', ['mod', 'tidy', '-e'], go)
  // Without these kubeadm believes that it is v0.0.0 and refuses every cluster.
  const stamp = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((name) => [
    `-X ${name}.gitVersion=${version}`,
    `-X ${name}.gitMajor=1`,
    `-X ${name}.gitMinor=${version.split('.')[1]}`,
    `-X ${name}.gitTreeState=clean`,
    `-X ${name}.buildDate=2026-01-01T00:00:00Z`,
  ])
  await must('go', ['build', '-trimpath', '-ldflags', `-s -w ${stamp.join(' ')}`, '-o', `${output}/`, ...commands], go)
}

async function ensureRootfs(): Promise<void> {
  if (existsSync(join(rootfs, 'usr'))) return
  await timed('debootstrap of the nodes (about 2 minutes)', async () => {
    const staged = `${rootfs}.new`
    rmSync(staged, { recursive: true, force: true })
    // The mirror that this machine's apt uses; debootstrap's own default when it has none of Debian's.
    const targets = await capture('apt-get', [
      'indextargets',
      '--format',
      '$(REPO_URI)',
      'Created-By: Packages',
      'Component: main',
    ])
    const mirror = targets.stdout.split('\n').filter((line) => /\/debian\/?$/.test(line))[0]
    await must('debootstrap', [
      '--variant=minbase',
      `--include=${nodePackages}`,
      'bookworm',
      staged,
      ...(mirror === undefined ? [] : [mirror]),
    ])
    for (const unit of ['haproxy', 'keepalived', 'systemd-networkd', 'systemd-resolved']) {
      // The package enables them; an operator's node has them installed and off until Quorate starts them.
      await capture('systemctl', ['--root', staged, 'disable', unit])
    }
    renameSync(staged, rootfs)
  })
}

/** kubeadm's own drop-in, as its Debian package ships it. */
const kubeletUnit = `[Unit]
Description=kubelet
After=lab-node.service containerd.service
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/kubelet
Restart=always
RestartSec=2
[Install]
WantedBy=multi-user.target
`
const kubeletDropIn = `[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`
const labNodeUnit = `[Unit]
Description=network and cgroups of a lab node
DefaultDependencies=no
Before=containerd.service sysinit.target
After=local-fs.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/etc/lab/setup
[Install]
WantedBy=sysinit.target
`
/** Static routes between the nodes' pod networks stand for a CNI with images of its own. */
const labSetup = `#!/bin/bash
. /etc/lab/env
mount -o remount,bind,rw /sys/fs/cgroup
for d in /sys/fs/cgroup/*/; do mount -o remount,bind,rw $d 2>/dev/null; done
mount --make-rshared /
ip link set lo up
for nic in $NICS; do ip addr add \${nic#*=}/24 dev \${nic%=*}; ip link set \${nic%=*} up; done
first=\${NICS%% *}; first=\${first#*=}; ip route add default via \${first%.*}.1
sysctl -qw net.ipv4.ip_forward=1
for k in $(seq 30 60); do [ "$IP" = "\${IP%.*}.$k" ] || ip route add 10.244.$k.0/24 via \${IP%.*}.$k; done
true
`
const containerdConfig = (pause: string) => `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:${pause}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`

function put(root: string, path: string, content: string, mode = 0o644): void {
  mkdirSync(join(root, dirname(path)), { recursive: true })
  writeFileSync(join(root, path), content, { mode })
}

/**
 * What a node of one version has beside the root file system: an overlay layer above it. Named by what is in it, and never changed once it is
 * there: nodes of another lab may be running on it.
 */
export function layer(version: string): string {
  const crictl = readFileSync(join(files, 'crictl'), 'utf8')
  const texts = [crictl, kubeletUnit, kubeletDropIn, labNodeUnit, labSetup, containerdConfig(tagsOf(version).pause)]
  return join(cacheFolder, 'layers', `${version}-${contentName(texts.join('\0'))}`)
}

async function ensureLayer(version: string): Promise<void> {
  if (existsSync(layer(version))) return
  const root = `${layer(version)}.${process.pid}`
  rmSync(root, { recursive: true, force: true })
  for (const name of ['kubeadm', 'kubelet', 'kubectl'])
    await must('install', ['-D', '-m755', join(binaries(version), name), join(root, 'usr/bin', name)])
  for (const name of ['etcdctl', 'etcdutl'])
    await must('install', ['-D', '-m755', join(extras, name), join(root, 'usr/local/bin', name)])
  await must('install', ['-D', '-m755', join(files, 'crictl'), join(root, 'usr/local/bin/crictl')])
  put(root, 'etc/systemd/system/kubelet.service', kubeletUnit)
  put(root, 'etc/systemd/system/kubelet.service.d/10-kubeadm.conf', kubeletDropIn)
  put(root, 'etc/systemd/system/lab-node.service', labNodeUnit)
  put(root, 'etc/lab/setup', labSetup, 0o755)
  put(root, 'etc/containerd/config.toml', containerdConfig(tagsOf(version).pause))
  put(root, 'etc/machine-id', '')
  for (const folder of ['opt/cni/bin', 'etc/cni/net.d', 'etc/kubernetes/manifests'])
    mkdirSync(join(root, folder), { recursive: true })
  await must('cp', ['-a', `${rootfs}/usr/lib/cni/.`, join(root, 'opt/cni/bin/')])
  const wants = join(root, 'etc/systemd/system')
  for (const [unit, target] of [
    ['lab-node.service', 'sysinit.target.wants'],
    ['kubelet.service', 'multi-user.target.wants'],
  ] as const) {
    mkdirSync(join(wants, target), { recursive: true })
    await must('ln', ['-sf', `/etc/systemd/system/${unit}`, join(wants, target, unit)])
  }
  renameSync(root, layer(version))
}

async function ensureImages(version: string): Promise<void> {
  const folder = images(version)
  if (existsSync(join(folder, 'done'))) return
  const [tags, bin, registry] = [tagsOf(version), binaries(version), 'registry.k8s.io']
  mkdirSync(folder, { recursive: true })
  await timed(`container images of ${version}`, async () => {
    for (const name of ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']) {
      await packImage({
        file: join(folder, `${name}.tar`),
        reference: `${registry}/${name}:${version}`,
        programs: { [join(bin, name)]: `usr/local/bin/${name}` },
      })
    }
    const etcd = Object.fromEntries(
      ['etcd', 'etcdctl', 'etcdutl'].map((name) => [join(extras, name), `usr/local/bin/${name}`]),
    )
    await packImage({ file: join(folder, 'etcd.tar'), reference: `${registry}/etcd:${tags.etcd}`, programs: etcd })
    await packImage({
      file: join(folder, 'coredns.tar'),
      reference: `${registry}/coredns/coredns:${tags.coredns}`,
      programs: { [join(extras, 'coredns')]: 'coredns' },
      entrypoint: '/coredns',
    })
    await packImage({
      file: join(folder, 'pause.tar'),
      reference: `${registry}/pause:${tags.pause}`,
      programs: { [join(extras, 'pause')]: 'pause' },
      entrypoint: '/pause',
    })
    await packImage({
      file: join(folder, 'kube-proxy.tar'),
      reference: `${registry}/kube-proxy:${version}`,
      programs: { [join(bin, 'kube-proxy')]: 'usr/local/bin/kube-proxy' },
      iptablesOf: rootfs,
    })
    writeFileSync(join(folder, 'done'), '')
  })
}

/** Makes all that a lab of this version needs, once; the first time takes about a quarter of an hour on two cores. */
export async function ensureVersion(version: string): Promise<void> {
  tagsOf(version)
  await ensureHostPackages()
  mkdirSync(cacheFolder, { recursive: true })
  const built =
    existsSync(binaries(version)) && kubernetesPrograms.every((name) => readdirSync(binaries(version)).includes(name))
  if (!built) {
    if ((await capture('which', ['go'])).exitCode !== 0)
      throw new Error('Go is needed to build Kubernetes: install Go 1.26 or later and try again')
    await timed(`go build of Kubernetes ${version} (about 12 minutes on 2 cores, once)`, () => buildKubernetes(version))
  }
  await ensureExtras()
  await ensureRootfs()
  await ensureLayer(version)
  await ensureImages(version)
}
