export { type AwsWebIdentityOptions, awsWebIdentitySource } from "./aws.ts";
export {
  type AwsCredentialsProvider,
  type ContainerCredentialsOptions,
  containerCredentials,
  type Ec2CredentialsOptions,
  ec2Credentials,
} from "./aws-credentials.ts";
export { type AzureManagedIdentityOptions, azureManagedIdentitySource } from "./azure.ts";
export { type GitHubActionsOptions, gitHubActionsSource } from "./github-actions.ts";
export { type GoogleMetadataOptions, googleMetadataSource } from "./google.ts";
export { type GoogleKeyFileOptions, googleKeyFileSource } from "./google-key-file.ts";
export type { WorkloadOptions } from "./metadata-request.ts";
export type { AwsCredentials } from "./signature-v4.ts";
