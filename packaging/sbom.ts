import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library'
import { PackageURL } from 'packageurl-js'
import { version } from './bundle.js'
import type { UsedPackage } from './used-packages.js'

/** What is in an executable. */
export interface Content {
  readonly name: string
  readonly packages: readonly UsedPackage[]
  readonly node: { readonly version: string; readonly sha256: string }
}

/** A CycloneDX 1.6 document of an executable. No serial number and no time: the same content is the same document. */
export function sbomOf({ name, packages, node }: Content): string {
  const licenses = licensed(new Models.SpdxLicense('Apache-2.0'))
  const main = new Models.Component(Enums.ComponentType.Application, name, { version, bomRef: name, licenses })
  const components = new Models.ComponentRepository([...packages.map(npmComponent), nodeComponent(node)])
  for (const component of components) main.dependencies.add(component.bomRef)
  const bom = new Models.Bom({ metadata: new Models.Metadata({ component: main }), components })
  const normalize = new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6)
  return `${new Serialize.JsonSerializer(normalize).serialize(bom, { sortLists: true, space: 2 })}\n`
}

const licensed = (license: Models.License) => new Models.LicenseRepository([license])

function npmComponent({ name, version, license, integrity }: UsedPackage): Models.Component {
  const [, scope, plain] = /^(?:(@[^/]+)\/)?(.+)$/.exec(name) ?? []
  const purl = new PackageURL('npm', scope, plain ?? name, version, undefined, undefined).toString()
  const sha512 = Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex')
  return new Models.Component(Enums.ComponentType.Library, name, {
    ...{ version, purl, bomRef: purl },
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-512'], sha512]]),
    licenses: licensed(/\s/.test(license) ? new Models.LicenseExpression(license) : new Models.SpdxLicense(license)),
  })
}

function nodeComponent({ version, sha256 }: Content['node']): Models.Component {
  const purl = `pkg:generic/node@${version}`
  return new Models.Component(Enums.ComponentType.Platform, 'node', {
    ...{ version, purl, bomRef: purl, cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*` },
    hashes: new Models.HashDictionary([[Enums.HashAlgorithm['SHA-256'], sha256]]),
    licenses: licensed(new Models.NamedLicense('Node.js and its bundled parts')),
  })
}
