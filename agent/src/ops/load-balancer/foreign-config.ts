import { isQuorateConfig } from '@quorate/shared/load-balancer-config'

/** A section that takes or passes traffic: a haproxy.cfg without one serves nothing. */
const haproxyServing = /^\s*(frontend|listen|backend)\s/m

/**
 * True for a configuration that a package brings: Debian's haproxy.cfg has no section that serves; Red Hat's serves the example
 * on port 5000, its keepalived.conf the example address 192.168.200.16.
 */
function isDistributionDefault(text: string): boolean {
  if (text.trim() === '') return true
  if (/^\s*vrrp_instance\s/m.test(text)) return /^\s*192\.168\.200\.16\s*$/m.test(text)
  if (/Example configuration for a possible web application/.test(text)) return /^\s*bind \*:5000\s*$/m.test(text)
  return !haproxyServing.test(text) && !/^\s*virtual_server\s/m.test(text)
}

/** True for a configuration that somebody wrote for their own use. */
export const isForeign = (text: string): boolean => !isQuorateConfig(text) && !isDistributionDefault(text)

/** Without what is a secret in it: VRRP passwords, haproxy's users and the login of its statistics page. */
export function maskSecrets(text: string): string {
  return text
    .replace(/^(\s*auth_pass\s+).*$/gm, '$1<masked>')
    .replace(/^(\s*user\s+\S+\s+(?:insecure-)?password\s+)\S+/gm, '$1<masked>')
    .replace(/^(\s*stats\s+auth\s+[^:\s]+:)\S+/gm, '$1<masked>')
}
