import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { decrypt, encrypt } from '../webhooks/store-seal.js';

/** The keys of a job, as base64url. */
export interface JobKeys {
  /** Stored with the job. Results are sealed to it. */
  publicKey: string;
  /** Only the submitter has it. It opens the results. */
  privateKey: string;
}

export function createJobKeys(): JobKeys {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return {
    publicKey: textOf(publicKey),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64url'),
  };
}

/** Reads a private key. Undefined if it does not belong to the public key. */
export function readJobKey(text: string, publicKey: string): KeyObject | undefined {
  try {
    const key = createPrivateKey({ key: Buffer.from(text, 'base64url'), type: 'pkcs8', format: 'der' });
    return key.asymmetricKeyType === 'x25519' && textOf(createPublicKey(key)) === publicKey ? key : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Encrypts a text so that only the private key opens it: with AES-256-GCM and a key from an X25519 exchange of a new key pair
 * with the public key (HKDF-SHA-256). The gateway cannot open it later.
 */
export function sealToKey(publicKey: string, text: string, place: string): string {
  const ephemeral = generateKeyPairSync('x25519');
  const sender = textOf(ephemeral.publicKey);
  const secret = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: publicKeyIn(publicKey) });
  return `${sender}.${encrypt(deriveKey(secret, sender, publicKey), text, place)}`;
}

/** Decrypts the result of `sealToKey`. Throws if the key or the place differs, or if the text was changed. */
export function openWithKey(privateKey: KeyObject, sealed: string, place: string): string {
  const [sender = '', body = ''] = sealed.split('.');
  const secret = diffieHellman({ privateKey, publicKey: publicKeyIn(sender) });
  return decrypt(deriveKey(secret, sender, textOf(createPublicKey(privateKey))), body, place);
}

/** The key depends on both public keys, so that it belongs to one exchange. */
function deriveKey(secret: Uint8Array, sender: string, recipient: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, `${sender} ${recipient}`, 'bulk job', 32));
}

function publicKeyIn(text: string): KeyObject {
  return createPublicKey({ key: Buffer.from(text, 'base64url'), type: 'spki', format: 'der' });
}

function textOf(publicKey: KeyObject): string {
  return publicKey.export({ type: 'spki', format: 'der' }).toString('base64url');
}
