// All of the kit by one name.

export * from "./Button.tsx";
export * from "./Dialog.tsx";
export * from "./feedback.tsx";
export * from "./fields.tsx";
export * from "./form.ts";
export * from "./layout.tsx";
export * from "./presence.tsx";
