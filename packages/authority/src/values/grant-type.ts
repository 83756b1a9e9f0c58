/** RFC 6749 section 4.4: a client gets a token with nothing but its own credential. */
export const CLIENT_CREDENTIALS = "client_credentials";

/** RFC 6749 section 4.3: a user gets a token with nothing but name and password. */
export const PASSWORD = "password";
