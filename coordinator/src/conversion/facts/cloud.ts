import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'

/** A cloud whose network moves an address only through its own API: it ignores ARP of the nodes. */
export interface Cloud {
  readonly name: string
  /** Undefined: a second address of a port works once it is allowed. */
  readonly loadBalancer: string | undefined
}

interface Signs {
  readonly cloud: Cloud
  /** Begins spec.providerID. */
  readonly provider: string
  dmi(of: Readonly<Record<string, string>>): boolean
}

const says = (of: Readonly<Record<string, string>>, pattern: RegExp): boolean =>
  ['sys_vendor', 'product_name', 'bios_vendor', 'bios_version', 'chassis_asset_tag'].some((name) =>
    pattern.test(of[name] ?? ''),
  )

/** Signs as cloud-init's ds-identify and the providers' own documentation have them. */
const clouds: readonly Signs[] = [
  {
    cloud: {
      name: 'Amazon EC2',
      loadBalancer: 'a Network Load Balancer (TCP, targets by IP, health check HTTPS /readyz)',
    },
    provider: 'aws:',
    dmi: (of) => says(of, /amazon/i),
  },
  {
    cloud: { name: 'Google Compute Engine', loadBalancer: 'an internal passthrough Network Load Balancer' },
    provider: 'gce:',
    dmi: (of) => says(of, /^Google( Compute Engine)?$/i),
  },
  {
    // Hyper-V of one's own has the vendor, but not the tag.
    cloud: { name: 'Azure', loadBalancer: 'a Standard Load Balancer' },
    provider: 'azure:',
    dmi: (of) => of['chassis_asset_tag'] === '7783-7084-3265-9085-8269-3286-77',
  },
  {
    cloud: { name: 'Oracle Cloud', loadBalancer: 'a Network Load Balancer' },
    provider: 'oci:',
    dmi: (of) => says(of, /^OracleCloud\.com$/i),
  },
  {
    cloud: { name: 'Alibaba Cloud', loadBalancer: 'a Network Load Balancer' },
    provider: 'alicloud:',
    dmi: (of) => says(of, /alibaba cloud/i),
  },
  {
    cloud: { name: 'DigitalOcean', loadBalancer: 'a Load Balancer with TCP forwarding' },
    provider: 'digitalocean:',
    dmi: (of) => says(of, /^DigitalOcean/i),
  },
  {
    cloud: { name: 'Hetzner Cloud', loadBalancer: 'a Load Balancer with a TCP service' },
    provider: 'hcloud:',
    dmi: (of) => of['sys_vendor'] === 'Hetzner',
  },
  {
    cloud: { name: 'OpenStack', loadBalancer: undefined },
    provider: 'openstack:',
    dmi: (of) => says(of, /openstack|OpenTelekomCloud/i),
  },
]

/** In whose cloud a node runs, and by what that is seen: by its Node where a cloud provider wrote it, else by its firmware. */
export function cloudOf(
  { dmi }: Pick<NodeFacts, 'dmi'>,
  providerId: string,
): { cloud: Cloud; seen: string } | undefined {
  const named = clouds.find(({ provider }) => providerId.startsWith(provider))
  if (named !== undefined) return { cloud: named.cloud, seen: `Node spec.providerID: ${providerId}` }
  const found = clouds.find((one) => one.dmi(dmi))
  if (found === undefined) return undefined
  return {
    cloud: found.cloud,
    seen: Object.entries(dmi)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
  }
}
