import { MachineFacts } from '@quorate/shared/gen/quorate/v1/facts'

/** A machine as its distribution ships it: made by hand from its package lists and manual pages where no such machine is at hand. */
export interface Machine {
  readonly name: string
  readonly osRelease: string
  /** First line that each program prints of itself. */
  readonly prints: Readonly<Record<'haproxy' | 'keepalived' | 'systemd', string>>
  readonly selinux: boolean
  /** How it is told to install what is missing. */
  readonly installs: string
  /** How it is told to have kubeadm 1.37.2. */
  readonly pins: string
  /** Programs of it that are too old. */
  readonly tooOld?: readonly string[]
  /** haproxy before 2.2. */
  readonly oldChecks?: true
}

const apt = {
  selinux: false,
  installs: 'apt-get install haproxy keepalived',
  pins: "apt-get install --allow-change-held-packages --allow-downgrades 'kubeadm=1.37.2-*'",
} as const
const dnf = {
  selinux: true,
  installs: 'dnf install haproxy keepalived',
  pins: 'dnf install --disableexcludes=kubernetes kubeadm-1.37.2',
} as const
const haproxy = (version: string): string =>
  `${version.startsWith('1') ? 'HA-Proxy' : 'HAProxy'} version ${version} 2023/12/16 - https://haproxy.org/`

export const machines: readonly Machine[] = [
  {
    name: 'Debian 11',
    osRelease: 'PRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\nVERSION_ID="11"\nID=debian\n',
    prints: {
      haproxy: 'HA-Proxy version 2.2.9-2+deb11u6 2023/12/05 - https://haproxy.org/',
      keepalived: 'Keepalived v2.1.5 (07/13,2020)',
      systemd: 'systemd 247 (247.3-7+deb11u6)',
    },
    ...apt,
  },
  {
    name: 'Debian 12',
    osRelease: 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n',
    prints: {
      haproxy: haproxy('2.6.12-1+deb12u1'),
      keepalived: 'Keepalived v2.2.7 (01/16,2022)',
      systemd: 'systemd 252 (252.39-1~deb12u1)',
    },
    ...apt,
  },
  {
    name: 'Debian 13',
    osRelease: 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n',
    prints: {
      haproxy: haproxy('3.0.11-1+deb13u1'),
      keepalived: 'Keepalived v2.3.3 (03/30,2025)',
      systemd: 'systemd 257 (257.8-1~deb13u2)',
    },
    ...apt,
  },
  {
    name: 'Ubuntu 20.04',
    osRelease: 'ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="Ubuntu 20.04.6 LTS"\nVERSION_ID="20.04"\n',
    prints: {
      haproxy: 'HA-Proxy version 2.0.33-0ubuntu0.1 2023/10/31 - https://haproxy.org/',
      keepalived: 'Keepalived v2.0.19 (10/19,2019)',
      systemd: 'systemd 245 (245.4-4ubuntu3.24)',
    },
    oldChecks: true,
    ...apt,
  },
  {
    name: 'Ubuntu 22.04',
    osRelease: 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nVERSION_ID="22.04"\nID=ubuntu\nID_LIKE=debian\n',
    prints: {
      haproxy: haproxy('2.4.24-0ubuntu0.22.04.1'),
      keepalived: 'Keepalived v2.2.4 (08/21,2021)',
      systemd: 'systemd 249 (249.11-0ubuntu3.16)',
    },
    ...apt,
  },
  {
    name: 'Ubuntu 24.04',
    osRelease: 'PRETTY_NAME="Ubuntu 24.04.2 LTS"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n',
    prints: {
      haproxy: haproxy('2.8.5-1ubuntu3.3'),
      keepalived: 'Keepalived v2.2.8 (04/04,2023)',
      systemd: 'systemd 255 (255.4-1ubuntu8.10)',
    },
    ...apt,
  },
  {
    name: 'Rocky 8',
    osRelease:
      'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="8.10"\nPRETTY_NAME="Rocky Linux 8.10 (Green Obsidian)"\n',
    prints: {
      haproxy: 'HA-Proxy version 1.8.27-493ce0b 2020/11/06',
      keepalived: 'Keepalived v2.1.5 (07/13,2020)',
      systemd: 'systemd 239 (239-82.el8_10.2)',
    },
    oldChecks: true,
    ...dnf,
  },
  {
    name: 'RHEL 9',
    osRelease: 'NAME="Red Hat Enterprise Linux"\nID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.4"\n',
    prints: {
      haproxy: haproxy('2.4.22-f8e3218'),
      keepalived: 'Keepalived v2.2.8 (04/04,2023), git commit v2.2.7-154-g292b299e+',
      systemd: 'systemd 252 (252-32.el9_4)',
    },
    ...dnf,
  },
  {
    name: 'SLES 15 SP5',
    osRelease: 'NAME="SLES"\nVERSION="15-SP5"\nVERSION_ID="15.5"\nID="sles"\nID_LIKE="suse"\n',
    prints: {
      haproxy: haproxy('2.4.22+git0.f8e3218e2-150400.3.13.1'),
      keepalived: 'Keepalived v2.2.2 (03/05,2021)',
      systemd: 'systemd 249 (249.16+suse.171.gdad0071f15)',
    },
    selinux: false,
    installs: 'zypper install haproxy keepalived',
    pins: 'zypper install --oldpackage kubeadm-1.37.2',
  },
  {
    name: 'CentOS 7',
    osRelease: 'NAME="CentOS Linux"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\n',
    prints: {
      haproxy: 'HA-Proxy version 1.5.18 2016/05/10',
      keepalived: 'Keepalived v1.3.5 (03/19,2017), git commit v1.3.5-6-g6fa32f2',
      systemd: 'systemd 219',
    },
    selinux: true,
    installs: 'yum install haproxy keepalived',
    pins: 'yum install --disableexcludes=kubernetes kubeadm-1.37.2',
    tooOld: ['haproxy', 'keepalived', 'systemd'],
    oldChecks: true,
  },
]

/** What the agent tells of such a machine; test/unit/agent/ops/machines.test.ts holds the reading of it to the texts. */
export function machineFacts({ osRelease, prints, selinux }: Machine): MachineFacts {
  const value = (key: string): string => new RegExp(`^${key}="?([^"\\n]*)`, 'm').exec(osRelease)?.[1] ?? ''
  return MachineFacts.fromPartial({
    osId: value('ID'),
    osLike: value('ID_LIKE').split(' ').filter(Boolean),
    osVersion: value('VERSION_ID'),
    programs: Object.entries(prints).map(([name, text]) => ({
      name,
      version: /\d+(\.\d+)*/.exec(text)?.[0] ?? '',
      path: name === 'systemd' ? '' : `/usr/sbin/${name}`,
    })),
    ...(selinux
      ? { selinux: { enforcing: true, booleans: { haproxy_connect_any: false, keepalived_connect_any: false } } }
      : {}),
  })
}
