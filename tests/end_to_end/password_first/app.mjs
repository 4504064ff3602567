// Sign in by password and code with a library from npm, unchanged: identity-js or amplify.
// A line of JSON goes out for everything that happens; each code comes in as a line.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { createInterface } from "node:readline";

const { library, modules, userPoolId, clientId, endpoint, phone, password } = JSON.parse(process.argv[2]);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (what) => console.log(JSON.stringify(what));
const nextCode = async () => (await lines.next()).value;
const { resolve } = createRequire(modules);

async function withIdentity() {
  const { default: identity } = await import(pathToFileURL(resolve("amazon-cognito-identity-js")));
  const pool = new identity.CognitoUserPool({ UserPoolId: userPoolId, ClientId: clientId, endpoint });
  const user = new identity.CognitoUser({ Username: phone, Pool: pool });
  user.setAuthenticationFlowType("CUSTOM_AUTH");
  const details = new identity.AuthenticationDetails({ Username: phone, Password: password });
  return new Promise((done, failed) => {
    const callbacks = {
      onSuccess: (session) => done(session.getIdToken().payload),
      onFailure: failed,
      newPasswordRequired: () => failed(Object.assign(new Error(), { name: "NEW_PASSWORD_REQUIRED" })),
      customChallenge: async (parameters) => {
        say({ asked: parameters });
        user.sendCustomChallengeAnswer(await nextCode(), callbacks);
      },
    };
    user.authenticateUser(details, callbacks);
  });
}

async function withAmplify() {
  const { Amplify } = await import(pathToFileURL(resolve("aws-amplify")));
  const auth = await import(pathToFileURL(resolve("aws-amplify/auth")));
  const Cognito = { userPoolId, userPoolClientId: clientId, userPoolEndpoint: endpoint };
  Amplify.configure({ Auth: { Cognito } });
  let { nextStep } = await auth.signIn({
    username: phone,
    password,
    options: { authFlowType: "CUSTOM_WITH_SRP" },
  });
  while (nextStep.signInStep === "CONFIRM_SIGN_IN_WITH_CUSTOM_CHALLENGE") {
    say({ asked: nextStep.additionalInfo });
    ({ nextStep } = await auth.confirmSignIn({ challengeResponse: await nextCode() }));
  }
  if (nextStep.signInStep !== "DONE") throw Object.assign(new Error(), { name: nextStep.signInStep });
  return (await auth.fetchAuthSession()).tokens.idToken.payload;
}

try {
  say({ claims: await (library === "amplify" ? withAmplify() : withIdentity()) });
} catch (error) {
  say({ error: error.name, message: error.message });
}
process.exit();
