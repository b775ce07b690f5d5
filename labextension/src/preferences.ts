/** The settings of Kimi as JupyterLab keeps them: one file, which the server and the magic read too. */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';

import { SETTINGS_PLUGIN } from './wire';

export type Value = string | number | boolean | null | readonly string[];

/** One setting, with what a form needs to know of it. */
export interface Field {
  readonly name: string;
  readonly title: string;
  readonly help: string;
  readonly kind: 'flag' | 'number' | 'choice' | 'text' | 'list';
  readonly value: Value;
  readonly standard: Value;
  readonly choices: readonly string[];
  /** May be left empty. */
  readonly isOptional: boolean;
  readonly isWhole: boolean;
  readonly minimum: number | null;
}

interface Property {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly default?: Value;
  readonly minimum?: number;
}

export class Preferences {
  readonly changed = new Signal<this, void>(this);

  constructor(private readonly _registry: ISettingRegistry) {}

  /** Read them; what can't be read is told to the console and leaves no field. */
  async load(): Promise<void> {
    this._settings = await this._registry.load(SETTINGS_PLUGIN);
    this._settings.changed.connect(() => this.changed.emit());
    this.changed.emit();
  }

  /** All settings, in the order of the schema. */
  get fields(): readonly Field[] {
    const settings = this._settings;
    if (settings === null) {
      return [];
    }
    const properties = (settings.schema.properties ?? {}) as Record<
      string,
      Property
    >;
    return Object.entries(properties)
      .filter(([name]) => name.startsWith('kimi.'))
      .map(([name, property]) =>
        fieldOf(name, property, settings.get(name).composite as Value)
      );
  }

  /** Write one down; rejects with the reason where the value is not allowed. */
  async set(name: string, value: Value): Promise<void> {
    await this._registry.set(SETTINGS_PLUGIN, name, value as string);
  }

  private _settings: ISettingRegistry.ISettings | null = null;
}

function fieldOf(name: string, property: Property, value: Value): Field {
  const types = [property.type ?? 'string'].flat();
  const standard = property.default ?? null;
  return {
    name,
    title: property.title ?? name,
    help: property.description ?? '',
    kind: kindOf(types, property),
    value: value ?? standard,
    standard,
    choices: property.enum ?? [],
    isOptional: types.includes('null'),
    isWhole: types.includes('integer'),
    minimum: property.minimum ?? null
  };
}

function kindOf(types: readonly string[], property: Property): Field['kind'] {
  if (property.enum !== undefined) {
    return 'choice';
  }
  if (types.includes('boolean')) {
    return 'flag';
  }
  if (types.includes('array')) {
    return 'list';
  }
  return types.includes('number') || types.includes('integer')
    ? 'number'
    : 'text';
}
