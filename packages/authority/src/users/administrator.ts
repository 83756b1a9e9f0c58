/** The administrator that the first start makes. Its name is kept for it, so that nobody can pass for it. */
export const administrator = { userId: "admin_id", username: "admin", fullName: "Administrator" } as const;
