import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'

/** A container runtime, as its operator calls it and its unit. */
export interface RuntimeName {
  readonly name: string
  readonly unit: string
  /** Where it looks for what is wrong when it does not answer. */
  readonly hint: string
  /** Type this, and it uses that cgroup driver. */
  cgroupDriver(driver: string, path: string): string
}

const containerd: RuntimeName = {
  name: 'containerd',
  unit: 'containerd',
  hint: 'in /etc/containerd/config.toml disabled_plugins must not name "cri"',
  cgroupDriver: (driver, path) =>
    `sed -i 's/SystemdCgroup = .*/SystemdCgroup = ${driver === 'systemd'}/' ${path || '/etc/containerd/config.toml'} && systemctl restart containerd`,
}

const crio: RuntimeName = {
  name: 'CRI-O',
  unit: 'crio',
  hint: 'crio status info and crio config show the effective configuration',
  // conmon's cgroup must be `pod` with cgroupfs and may be it with systemd (crio.conf(5)).
  cgroupDriver: (driver) =>
    `printf '[crio.runtime]\\ncgroup_manager = "${driver}"\\nconmon_cgroup = "pod"\\n' > /etc/crio/crio.conf.d/99-cgroup.conf && systemctl restart crio`,
}

const docker: RuntimeName = {
  name: 'cri-dockerd',
  unit: 'cri-docker',
  hint: 'systemctl status docker: it needs Docker Engine',
  cgroupDriver: (driver) =>
    `set "exec-opts": ["native.cgroupdriver=${driver}"] in /etc/docker/daemon.json, then systemctl restart docker cri-docker`,
}

/** Which runtime a node uses: by what it answers, else by its socket. */
export function runtimeOf({ containerRuntime, criSocket }: NodeFacts): RuntimeName {
  const said = `${containerRuntime} ${criSocket}`.toLowerCase()
  if (/cri-?o\b/.test(said)) return crio
  return /docker/.test(said) ? docker : containerd
}
