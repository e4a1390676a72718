import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { crioFiles, imageOf, images } from '../machines/cache.js'
import type { LabNode } from '../machines/node.js'
import { must } from '../machines/shell.js'
import type { Piece, PieceLab } from './piece.js'

const socket = '/var/run/crio/crio.sock'

const config = (pauseImage: string) => `[crio]
# On the machine's own disk: the root file system of a node is an overlay, and overlays do not lie on overlays.
root = "/var/lib/containerd/storage"
storage_driver = "overlay"
[crio.runtime]
default_runtime = "runc"
cgroup_manager = "cgroupfs"
conmon_cgroup = "pod"
conmon = "/usr/bin/conmon"
pinns_path = "/usr/bin/pinns"
[crio.runtime.runtimes.runc]
runtime_path = "/usr/local/sbin/runc-of-the-lab"
runtime_root = "/run/runc"
[crio.image]
pause_image = "${pauseImage}"
[crio.network]
network_dir = "/etc/cni/net.d/"
plugin_dirs = ["/opt/cni/bin/"]
`

/** A machine in a container may not lower oom_score_adj or limit huge pages, and lacks a capability; containerd tolerates that, CRI-O does not. */
const runc = `#!/bin/sh
for word; do
  [ "$before" = --bundle ] && sed -zi 's/"oomScoreAdj": *-[0-9]*/"oomScoreAdj":0/
    s/"hugepageLimits": *\\[[^]]*\\]/"hugepageLimits":[]/
    s/"CAP_SYS_RESOURCE",//g; s/,[[:space:]]*"CAP_SYS_RESOURCE"//g' "$word/config.json"
  before=$word
done
exec /usr/sbin/runc "$@"
`

const unit = `[Unit]
Description=CRI-O
After=lab-node.service
Before=kubelet.service
[Service]
Type=notify
ExecStart=/usr/bin/crio
TasksMax=infinity
LimitNOFILE=1048576
Delegate=yes
KillMode=process
Restart=always
[Install]
WantedBy=multi-user.target
`

async function start(node: LabNode, lab: PieceLab, files: Awaited<ReturnType<typeof crioFiles>>): Promise<void> {
  await must('cp', ['-a', '--no-preserve=ownership', `${files.packages}/usr`, node.root])
  for (const program of files.programs) await node.install(program, `/usr/bin/${basename(program)}`)
  await node.put('/etc/crio/crio.conf', config(imageOf(lab.version, 'pause')))
  await node.put('/usr/local/sbin/runc-of-the-lab', runc, '0755')
  await node.put('/etc/containers/policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}\n')
  await node.put('/etc/systemd/system/crio.service', unit)
  // kubeadm refuses to choose between two sockets.
  await node.must(['sh', '-c', 'systemctl disable -q --now containerd && rm -rf /run/containerd'])
  await node.must(['sh', '-c', 'ldconfig && systemctl daemon-reload && systemctl enable -q --now crio'])
}

/** Imports containerd's images into CRI-O's storage. */
async function bringImages(node: LabNode, lab: PieceLab): Promise<void> {
  for (const name of readdirSync(images(lab.version)).filter((each) => each.endsWith('.tar'))) {
    const [{ RepoTags }] = JSON.parse(await must('tar', ['-xOf', join(images(lab.version), name), 'manifest.json']))
    const to = `containers-storage:[overlay@/var/lib/containerd/storage+/run/containers/storage]${RepoTags[0]}`
    await node.must([
      'skopeo',
      '--tmpdir',
      '/var/lib/containerd',
      'copy',
      '-q',
      `docker-archive:/opt/images/${name}`,
      to,
    ])
  }
}

/** CRI-O instead of containerd, as in OpenShift and many kubeadm clusters. */
export const crio: Piece = {
  init({ init }) {
    init.nodeRegistration.criSocket = `unix://${socket}`
  },
  async before(lab) {
    const files = await crioFiles()
    const nodes = [...lab.controlPlanes, ...lab.workers]
    await Promise.all(nodes.map((node) => start(node, lab, files)))
    await Promise.all(nodes.map((node) => bringImages(node, lab)))
  },
}
