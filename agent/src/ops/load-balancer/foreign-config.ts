import { isQuorateConfig } from '@quorate/shared/load-balancer-config'

/** A section of haproxy or keepalived that accepts or forwards traffic, or an address: a configuration without one serves nothing. */
const serving = /^\s*(frontend|listen|backend|vrrp_instance|virtual_server)\s/m

/** True for a configuration by which another haproxy or keepalived serves something. */
export const isForeign = (text: string): boolean => !isQuorateConfig(text) && serving.test(text)

/** Without secrets: VRRP passwords, haproxy's users and the login of its statistics page. */
export function maskSecrets(text: string): string {
  return text
    .replace(/^(\s*auth_pass\s+).*$/gm, '$1<masked>')
    .replace(/^(\s*user\s+\S+\s+(?:insecure-)?password\s+)\S+/gm, '$1<masked>')
    .replace(/^(\s*stats\s+auth\s+[^:\s]+:)\S+/gm, '$1<masked>')
}
