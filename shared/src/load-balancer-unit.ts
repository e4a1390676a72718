import { QuorateError } from './errors.js'
import { quorateHeader } from './load-balancer-config.js'
import type { LoadBalancerPlace, LoadBalancerProgram } from './load-balancer-place.js'

/**
 * haproxy as the packages of Debian, Red Hat and SUSE start it. It logs to /dev/log, which is not in its chroot: systemd puts it there, where the
 * machine has one.
 */
const haproxyService = (program: string, { configPath, unit }: LoadBalancerPlace): string => `Type=notify
ExecStart=${program} -Ws -f ${configPath} -p /run/${unit}/haproxy.pid
ExecReload=${program} -Ws -f ${configPath} -c -q
ExecReload=/bin/kill -USR2 $MAINPID
BindReadOnlyPaths=-/dev/log:/var/lib/haproxy/dev/log
SuccessExitStatus=143`

/** keepalived for VRRP alone, with pid files of its own: it refuses to start beside another one otherwise (keepalived's core/pidfile.c). */
const keepalivedService = (program: string, { configPath, unit }: LoadBalancerPlace): string => `Type=simple
ExecStart=${program} --dont-fork --vrrp --use-file=${configPath} --pid=/run/${unit}/keepalived.pid --vrrp_pid=/run/${unit}/vrrp.pid
ExecReload=/bin/kill -HUP $MAINPID`

const services = { haproxy: haproxyService, keepalived: keepalivedService } as const

const titles: Readonly<Record<LoadBalancerProgram, string>> = {
  haproxy: 'HAProxy for the Kubernetes API, by Quorate',
  keepalived: 'Keepalived for the virtual IP of the Kubernetes API, by Quorate',
}

/** The unit file of a place of Quorate's own; `path` is where the machine has the program, '' where it is unknown. */
export function renderLoadBalancerUnit(place: LoadBalancerPlace, path: string): string {
  const program = path || `/usr/sbin/${place.program}`
  if (!/^\/[A-Za-z0-9._/-]+$/.test(program))
    throw new QuorateError('INVALID_REQUEST', `load balancer: not a program: ${JSON.stringify(program)}`)
  return `${quorateHeader}
[Unit]
Description=${titles[place.program]}
Documentation=man:${place.program}(${place.program === 'haproxy' ? 1 : 8})
After=network-online.target
Wants=network-online.target

[Service]
${services[place.program](program, place)}
RuntimeDirectory=${place.unit}
KillMode=mixed
Restart=always

[Install]
WantedBy=multi-user.target
`
}
