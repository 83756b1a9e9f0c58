import { CountersignError } from "@countersign/protocol";
import { z } from "zod";

const MIN_CHARACTERS = 8;
const MAX_BYTES = 1024;

/** The size of a password as it is sent. What else a new one may be is for {@link checkNewPassword} to say. */
export const passwordSchema = z.string().min(1).max(MAX_BYTES);

const CONTROL = /\p{Cc}/u;

/**
 * Passwords of eight characters and more that every guesser tries first, in lower case. A blocklist of a few dozen
 * stops the guesses that fit into the attempts an account allows; it is no substitute for a corpus of breaches.
 */
export const commonPasswords: ReadonlySet<string> = new Set(
  `
  00000000 0123456789 0987654321 11111111 111111111 1111111111 112233445566 11223344 12121212 12312312 123123123
  123321123 1234512345 12345678 123456789 1234567890 123456789a 12345678910 1234abcd 1234qwer 123qweasd 123qweasdzxc
  147258369 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qazxsw2 22222222 55555555 66666666 77777777 87654321 88888888
  987654321 9876543210 99999999 a1234567 a12345678 a123456789 aa123456 aaaaaaaa abc12345 abcd1234 abcdefgh abcdefg1
  admin123 admin1234 administrator adminadmin alexander asdf1234 asdfasdf asdfghjk asdfghjkl babygirl baseball
  basketball blink182 business butterfly changeme changeme1 charlie1 chocolate christian computer corvette danielle
  december dragon123 elephant facebook february football football1 forever1 freedom1 garfield gateway1 hello123
  hellohello iloveyou iloveyou1 internet jennifer jessica1 jonathan justin123 letmein1 letmein123 liverpool login123
  lovelove manchester marlboro maverick mercedes michael1 michelle midnight monkey123 motdepasse mustang1 nicholas
  november p@ssw0rd p@ssword pa$$word pa55word passw0rd passwd123 passwort password password! password1 password12
  password123 password1234 passwordpassword pokemon1 princess princess1 q1w2e3r4 q1w2e3r4t5 qazwsxedc qwer1234
  qwerasdf qwerty12 qwerty123 qwerty1234 qwertyui qwertyuiop samantha samsung1 scooter1 security september servus123
  shadow12 slipknot snowball starwars steelers sunflower sunshine sunshine1 superman superman1 superstar superuser
  target123 test1234 testtest trustno1 username victoria welcome1 welcome123 whatever william1 winter2024 woaini1314
  xxxxxxxx yankees1 zaq12wsx zaq1zaq1 zxcvbnm1 zxcvbnm123 zxcvbnm,
  `
    .trim()
    .split(/\s+/),
);

/**
 * The form of a password that is hashed: OpaqueString of RFC 8265 section 4.2 (any space is a plain one, NFC, case and
 * leading spaces kept). `undefined` when no password has this text: controls, lone surrogates, more than 1,024 bytes.
 */
export function opaquePassword(text: string): string | undefined {
  if (text.length > MAX_BYTES || !text.isWellFormed() || CONTROL.test(text)) return undefined;
  const opaque = text.replace(/\p{Zs}/gu, " ").normalize("NFC");
  return Buffer.byteLength(opaque) <= MAX_BYTES ? opaque : undefined;
}

/**
 * Checks a password that somebody chooses, and gives it in the form that is hashed.
 *
 * @throws {CountersignError} `invalid_password` when it is short, long, common, the username, or holds controls.
 */
export function checkNewPassword(text: string, username: string): string {
  const opaque = opaquePassword(text);
  if (opaque === undefined || [...opaque].length < MIN_CHARACTERS) throw new CountersignError("invalid_password");
  const lower = opaque.toLowerCase();
  if (lower === username) throw new CountersignError("invalid_password");
  if (commonPasswords.has(lower)) {
    throw new CountersignError("invalid_password", { hint: "The password is among the most common; choose another" });
  }
  return opaque;
}
