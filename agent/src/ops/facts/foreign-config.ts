import { isQuorateConfig } from '@quorate/shared/load-balancer-config'

/** A section of haproxy or keepalived that accepts or forwards traffic, or an address: a configuration without one serves nothing. */
const serving = /^[ \t]*(frontend|listen|backend|vrrp_instance|virtual_server)\s/m

/** True for a configuration by which another haproxy or keepalived serves something. */
export const isForeign = (text: string): boolean => !isQuorateConfig(text) && serving.test(text)

/** Without secrets: VRRP passwords, haproxy's users and the login of its statistics page. */
export function maskSecrets(text: string): string {
  return text
    .replace(/^([ \t]*auth_pass[ \t]+).*$/gm, '$1<masked>')
    .replace(/^([ \t]*user[ \t]+\S+[ \t]+(?:insecure-)?password[ \t]+)\S+/gm, '$1<masked>')
    .replace(/^([ \t]*stats[ \t]+auth[ \t]+[^:\s]+:)\S+/gm, '$1<masked>')
}
