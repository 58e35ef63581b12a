export { describeStore, type StoreOptions, type StoreUnderTest, type TestApi } from './store-suite.ts';
export {
  createWorld,
  errorOf,
  toBatch,
  usageOf,
  worldStartMs,
  type BuiltRun,
  type BuiltStep,
  type RunBuilder,
  type World,
} from './world.ts';
