// What other programs would do with our files. Shares no code with lephi: signatures by npm xml-crypto, trees by the
// recursive definitions of RFC 9162 section 2.1.
import { createHash, createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
const require = createRequire(new URL('../../package.json', import.meta.url))

function signature(xmlPath, certificatePath) {
  const { SignedXml } = require('xml-crypto')
  const { DOMParser } = require('@xmldom/xmldom')
  const ecdsa = 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256'
  const xml = readFileSync(xmlPath, 'utf8')
  const judge = new SignedXml({ publicCert: readFileSync(certificatePath, 'utf8') })
  judge.SignatureAlgorithms[ecdsa] = class { // xml-crypto brings RSA only
    getAlgorithmName = () => ecdsa
    verifySignature = (text, key, value) =>
      verify('sha256', Buffer.from(text), { key: createPublicKey(key), dsaEncoding: 'ieee-p1363' }, Buffer.from(value, 'base64'))
  }
  const node = new DOMParser().parseFromString(xml, 'text/xml').getElementsByTagNameNS('http://www.w3.org/2000/09/xmldsig#', 'Signature')[0]
  judge.loadSignature(node)
  const holds = judge.checkSignature(xml)
  const references = judge.getSignedReferences()
  if (!holds || references.length !== 2 || !references[0].startsWith('<DuLieuBienLai') || !references[1].includes('<SigningTime>')) process.exit(1)
}

const sha256 = (...parts) => { const h = createHash('sha256'); parts.forEach(p => h.update(p)); return h.digest() }
const leafHash = entry => sha256(Buffer.from([0]), entry)
const split = n => { let k = 1; while (k * 2 < n) k *= 2; return k }
const MTH = d => d.length === 0 ? sha256() : d.length === 1 ? leafHash(d[0])
  : sha256(Buffer.from([1]), MTH(d.slice(0, split(d.length))), MTH(d.slice(split(d.length))))
const PATH = (m, d) => { // RFC 9162 2.1.3.1
  if (d.length === 1) return []
  const k = split(d.length)
  return m < k ? [...PATH(m, d.slice(0, k)), MTH(d.slice(k))] : [...PATH(m - k, d.slice(k)), MTH(d.slice(0, k))]
}
const SUBPROOF = (m, d, whole) => { // 2.1.4.1
  if (m === d.length) return whole ? [] : [MTH(d)]
  const k = split(d.length)
  return m <= k ? [...SUBPROOF(m, d.slice(0, k), whole), MTH(d.slice(k))] : [...SUBPROOF(m - k, d.slice(k), false), MTH(d.slice(0, k))]
}
const hex = list => list.map(h => h.toString('hex'))
const entry = i => `lephi receipt log 1\nissued\n5702101234/EBL01/26TAA/${i + 1}\n2026-11-23T08:00:00+07:00\n${sha256(`file ${i}`).toString('hex')}\n-\n${sha256(`salt ${i}`).toString('hex')}\n`

function tree(keyPath, certificatePath) {
  const key = createPrivateKey(readFileSync(keyPath))
  const certificate = new X509Certificate(readFileSync(certificatePath)).raw.toString('base64')
  const log = 'https://peer.example'
  const at = new Date(Date.now() + 7 * 3600e3).toISOString().slice(0, 19) + '+07:00'
  const head = (d, day) => {
    const root = MTH(d).toString('hex')
    const body = `lephi receipt log head 1\nlog ${log}\nday ${day}\nsize ${d.length}\nroot ${root}\nat ${at}\n`
    return { log, day, size: d.length, root, at, body, algorithm: 'rsa-sha256', signature: sign('sha256', Buffer.from(body), key).toString('base64'), certificate }
  }
  const write = (name, what) => writeFileSync(name, JSON.stringify(what))
  const all = Array.from({ length: 300 }, (_, i) => entry(i))
  for (const size of [1, 2, 3, 7, 8, 13, 64, 100, 255, 300]) {
    const d = all.slice(0, size)
    const indexes = [...new Set([0, size >> 1, size - 1])]
    const proof = { log, size, root: MTH(d).toString('hex'), head: size % 2 ? head(d, '2026-11-23') : null, entries: indexes.map(index => ({ index, status: 'issued', entry: d[index], proof: hex(PATH(index, d)) })) }
    write(`good-${size}.json`, proof)
    const bent = structuredClone(proof)
    bent.entries.at(-1).entry = bent.entries.at(-1).entry.replace('T08:00', 'T07:00') // backdated by an hour
    write(`bad-${size}.json`, bent)
  }
  for (const [first, second] of [[1, 2], [3, 7], [4, 7], [6, 7], [8, 13], [64, 300], [100, 101], [255, 300]]) {
    const name = `${first}-${second}.json`
    const past = all.slice(0, first), now = all.slice(0, second)
    const forged = now.toSpliced ? now.toSpliced(first >> 1, 1) : [...now.slice(0, first >> 1), ...now.slice((first >> 1) + 1)] // one was removed
    forged.push(entry(1000))
    const growth = d => ({ log, first_size: first, first_root: MTH(d.slice(0, first)).toString('hex'), second_size: second, second_root: MTH(d).toString('hex'), proof: hex(SUBPROOF(first, d, true)) })
    write(`old-${name}`, head(past, '2026-11-22'))
    write(`new-${name}`, head(now, '2026-11-23'))
    write(`grown-${name}`, growth(now))
    write(`forged-${name}`, head(forged, '2026-11-23'))
    write(`shrunk-${name}`, growth(forged))
  }
}

const [what, first, second] = process.argv.slice(2)
if (what === 'signature') signature(first, second)
else tree(first, second)
