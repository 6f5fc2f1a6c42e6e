import { Injectable, type OnModuleInit, type Type } from '@nestjs/common';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, ModulesContainer, Reflector } from '@nestjs/core';
import { type Access, ACCESS } from '../../auth/route-access.js';
import { REQUIREMENT } from './project.guards.js';

type Handler = () => unknown;

/** Refuses to start a server with a route that doesn't say who may call it. */
@Injectable()
export class DeclaredPermissions implements OnModuleInit {
  constructor(
    private readonly modules: ModulesContainer,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    const controllers = [...this.modules.values()].flatMap((module) => [...module.controllers.values()]);
    const undeclared = controllers.flatMap(({ metatype }) => this.#undeclaredIn(metatype as Type<object>));
    if (undeclared.length > 0)
      throw new Error(
        `These routes do not say who may call them: ${undeclared.join(', ')}. Give each @RequiresPermission(), or @ForDevelopers(), @ForEndUsers() or @Public() if its path has no {project_id}.`,
      );
  }

  #undeclaredIn(controller: Type<object>): string[] {
    const handlers = controller.prototype as Record<string, Handler>;
    return new MetadataScanner()
      .getAllMethodNames(handlers)
      .filter((name) => !this.#isDeclared(handlers[name] as Handler, controller))
      .map((name) => `${controller.name}.${name}`);
  }

  /** Developers get at a project by a permission only. */
  #isDeclared(handler: Handler, controller: Type): boolean {
    const path = this.reflector.get<string | undefined>(PATH_METADATA, handler);
    if (path === undefined) return true;
    const declared = <T>(key: string) =>
      this.reflector.getAllAndOverride<T | undefined>(key, [handler, controller]);
    const access = declared<Access>(ACCESS);
    if (access !== 'developer') return access !== undefined;
    const isOfProject = `${this.reflector.get<string>(PATH_METADATA, controller)}/${path}`.includes(
      ':project_id',
    );
    return !isOfProject || declared(REQUIREMENT) !== undefined;
  }
}
