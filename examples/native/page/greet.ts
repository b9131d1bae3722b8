import greetings from "./greetings.json";

// Whoever runs the package may set these: --define:LANGUAGE='"de"'
declare const LANGUAGE: keyof typeof greetings | undefined;
declare const NAME: string | undefined;

const language = typeof LANGUAGE === "undefined" ? "en" : LANGUAGE;
const name = typeof NAME === "undefined" ? "world" : NAME;

console.log(`${greetings[language]}, ${name}!`);
